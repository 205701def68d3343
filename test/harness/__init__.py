# SPDX-License-Identifier: MIT
"""The driver of bench/run and of test/torture/run: reads rows, runs them, judges what they answer,
and reports. A row is one measurement, or one fault, and the program that tries it.

A file of rows is a JSON object:

    usual    what every entry has, unless it says otherwise
    rows     a list of entries; each stands for one row for each combination of its settings
    floors   which row is the floor of another one: the first whose `of` matches that says in what
             the floor differs, or that there is none
    targets  the figures that rows are meant to reach

An entry:

    row          its name
    command      a program or a script, and its words; @NAME is another program
    options      {word: value}: added to the command, unless the value is 0 or empty
    settings     {name: list of values}; the last name changes first
    never        a condition: combinations that make no sense
    only_long    a condition: combinations that the short form leaves out
    short, long  the number of rounds in either form: told to a program that takes {rounds}; others
                 are started so often. Without `short` it has a long form only
    timeout      seconds
    needs        commands that must be installed, or "root"
    optional     true: it is just left out where its program was not built
    title        its name for people; behind it the texts of `unusual`, {setting: text}, for the
                 settings whose value is not the first of the usual ones

In commands, options and titles {NAME} is a setting, {row} the row's name, {rounds} their number,
{programs} the build directory, {seconds} the time to measure. A condition, {name: value or list of
values}, is about settings and `row`; a list of conditions holds if one of them does.

A target has `of`, a condition; `what` it is about; `most` or `least`; and a `figure` of the row, or
`to`, what it is compared with: "floor", or the settings in which the other row differs.
"""
