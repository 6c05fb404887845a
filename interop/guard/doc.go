// Command guard says whether what is in the working directory is slower than a commit, or
// allocates more. It builds the test binaries of both, and runs their benchmarks in turn: the
// base's, the new, the base's again and so on, so that whatever else the machine does hits
// both. Nothing is remembered from one run to the next, on another day or machine.
//
// A figure has grown where every run of the new is above every run of the base (of two equal
// programs and N runs each that is so once in (2N)!/(N!)², 924 for six), and where the
// medians differ by more than what mere placement of code in memory does. Of the number of
// allocations the first is enough, for they do not depend on the machine. On a noisy machine
// the ranges overlap, and nothing is found: that is what the printed range of the ratio says.
package main
