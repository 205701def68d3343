# SPDX-License-Identifier: MIT
@0xb2c7f6f0a1d94e35;

interface Peer {
  ask @0 (a :Int32, b :Int32, op :Text) -> (value :Int32);
  send @1 (message :Data) -> stream;
  acknowledge @2 () -> (count :UInt64);
}
