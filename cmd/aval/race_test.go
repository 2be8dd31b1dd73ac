//go:build race

package main

// raceEnabled says that this test, and the program in it, run under the race detector.
const raceEnabled = true
