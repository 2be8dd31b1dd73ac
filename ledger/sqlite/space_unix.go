//go:build unix

package sqlite

import "golang.org/x/sys/unix"

// freeIn gives the bytes that this user can still write to a folder.
func freeIn(dir string) (uint64, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, err
	}
	return s.Bavail * uint64(s.Bsize), nil
}
