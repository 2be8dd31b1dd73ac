// Package domain holds the nouns and laws of Aval: money, parties, commands, observations,
// postings, and the shape of a contract. It has no I/O, no clock, no randomness and no
// floating point: everything here is a value or a pure function, safe for concurrent use.
package domain
