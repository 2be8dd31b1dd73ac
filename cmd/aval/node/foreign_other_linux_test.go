//go:build linux && !amd64

package node_test

import "golang.org/x/sys/unix"

// callBy32Bits is what other processors have no second door for, or one that this test does not know.
func callBy32Bits() error { return unix.EPERM }
