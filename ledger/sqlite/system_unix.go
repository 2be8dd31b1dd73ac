//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// readable is an error if this user may not read a file.
func readable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.R_OK, unix.AT_EACCESS)
}

// writable is an error if this user may not write a file, or nobody may on this file system.
func writable(path string) error {
	return unix.Faccessat(unix.AT_FDCWD, path, unix.W_OK, unix.AT_EACCESS)
}

// freeIn gives the bytes that this user can still write to a folder.
func freeIn(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
