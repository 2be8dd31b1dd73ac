//go:build !unix

package sqlite

import "math"

// readable and writable know nothing here: what is forbidden is found when it fails.
func readable(string) error { return nil }
func writable(string) error { return nil }

// freeIn knows nothing here: a full disk is found when writing fails.
func freeIn(string) (uint64, error) { return math.MaxUint64, nil }
