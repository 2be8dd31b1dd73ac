package sqlite

import "path/filepath"

// DefaultReserve is the room, in bytes, that a ledger keeps for what it admitted: the pool's
// commands, a write-ahead log between checkpoints, and the database that takes it over.
const DefaultReserve = 128 << 20

// Reserve is the room to keep instead of DefaultReserve.
func Reserve(bytes uint64) Option { return func(p *place) { p.reserve = bytes } }

// Room says how many bytes are free, in place of asking the operating system about the folder: for a VFS that has a bound of its own.
func Room(free func() (uint64, error)) Option { return func(p *place) { p.free = free } }

// Space implements ledger.Disk.
func (s *Store) Space() (free, reserve uint64, err error) {
	free, err = s.at.free()
	return free, s.at.reserve, err
}

// freeBeside asks about the folder of a file.
func freeBeside(path string) func() (uint64, error) {
	dir := filepath.Dir(path)
	return func() (uint64, error) { return freeIn(dir) }
}
