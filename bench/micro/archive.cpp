// SPDX-License-Identifier: MIT
/// What it costs to turn values into bytes and back, beside Cereal's own binary archive, of which
/// each message needs a new one.
#include "values.hpp"

#include <remora/archive.hpp>

#include <benchmark/benchmark.h>

#include <cereal/archives/binary.hpp>

#include <sstream>
#include <string>

namespace {

using namespace micro;

class remora_archive {
public:
    template <class T>
    void encode(const T& value) {
        bytes_.clear();
        remora::encode(bytes_, value);
        benchmark::DoNotOptimize(bytes_.data());
    }
    template <class T>
    void decode(T& into) {
        remora::decode(bytes_.bytes(), into);
    }

private:
    remora::byte_buffer bytes_;
};

// As Cereal's own examples have it: a stream for each message.
class cereal_archive {
public:
    template <class T>
    void encode(const T& value) {
        std::ostringstream stream;
        cereal::BinaryOutputArchive archive(stream);
        archive(value);
        bytes_ = stream.str();
    }
    template <class T>
    void decode(T& into) {
        std::istringstream stream(bytes_);
        cereal::BinaryInputArchive archive(stream);
        archive(into);
    }

private:
    std::string bytes_;
};

// The best that can be done with it: one stream, written from its start again and again.
class cereal_on_kept_stream {
public:
    template <class T>
    void encode(const T& value) {
        stream_.seekp(0);
        cereal::BinaryOutputArchive archive(stream_);
        archive(value);
    }
    template <class T>
    void decode(T& into) {
        stream_.seekg(0);
        cereal::BinaryInputArchive archive(stream_);
        archive(into);
    }

private:
    std::stringstream stream_;
};

template <class Archive, class T>
void encode(benchmark::State& state) {
    Archive archive;
    T value = example<T>();
    for (auto _ : state) {
        benchmark::DoNotOptimize(value);
        archive.encode(value);
        benchmark::ClobberMemory();
    }
}

template <class Archive, class T>
void decode(benchmark::State& state) {
    Archive archive;
    archive.encode(example<T>());
    for (auto _ : state) {
        T into{};
        benchmark::ClobberMemory();
        archive.decode(into);
        benchmark::DoNotOptimize(into);
    }
    T again{};
    archive.decode(again);
    if (again != example<T>()) state.SkipWithError("another value came back");
}

}  // namespace

BENCHMARK(encode<remora_archive, question>);
BENCHMARK(encode<cereal_archive, question>);
BENCHMARK(encode<cereal_on_kept_stream, question>);
BENCHMARK(decode<remora_archive, question>);
BENCHMARK(decode<cereal_archive, question>);
BENCHMARK(decode<cereal_on_kept_stream, question>);

BENCHMARK(encode<remora_archive, packet>);
BENCHMARK(encode<cereal_archive, packet>);
BENCHMARK(encode<cereal_on_kept_stream, packet>);
BENCHMARK(decode<remora_archive, packet>);
BENCHMARK(decode<cereal_archive, packet>);
BENCHMARK(decode<cereal_on_kept_stream, packet>);

BENCHMARK(encode<remora_archive, numbers>);
BENCHMARK(encode<cereal_archive, numbers>);
BENCHMARK(encode<cereal_on_kept_stream, numbers>);
BENCHMARK(decode<remora_archive, numbers>);
BENCHMARK(decode<cereal_archive, numbers>);
BENCHMARK(decode<cereal_on_kept_stream, numbers>);

BENCHMARK(encode<remora_archive, table>);
BENCHMARK(encode<cereal_archive, table>);
BENCHMARK(encode<cereal_on_kept_stream, table>);
BENCHMARK(decode<remora_archive, table>);
BENCHMARK(decode<cereal_archive, table>);
BENCHMARK(decode<cereal_on_kept_stream, table>);
