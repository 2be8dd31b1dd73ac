package sim

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"aval/ledger"
)

// tileWidth is how many hashes a C2SP tile holds.
const tileWidth = 256

// checkServed fetches a tile or a bundle of the public log, as strangers do, and compares it.
func (b *book) checkServed() error {
	n := b.s.chance.IntN(len(b.leaves)/tileWidth + 1)
	width := min(tileWidth, len(b.leaves)-n*tileWidth)
	if width == 0 {
		return nil
	}
	leaves := b.leaves[n*tileWidth : n*tileWidth+width]
	hashes, err := b.s.engine.Tile(0, uint64(n), width)
	if err != nil {
		return err
	}
	bundle, err := b.s.engine.Tile(-1, uint64(n), width)
	if err != nil {
		return err
	}
	for i, want := range leaves {
		if !bytes.Equal(hashes[i*tlog.HashSize:(i+1)*tlog.HashSize], want[:]) {
			return wrong("tile 0/%d gives another hash %d", n, i)
		}
		end := 2 + int(binary.BigEndian.Uint16(bundle))
		if tlog.RecordHash(bundle[2:end]) != want {
			return wrong("bundle %d gives another leaf %d", n, i)
		}
		bundle = bundle[end:]
	}
	return nil
}

// verifyServed verifies the public log from what the engine serves, by path.
func (b *book) verifyServed() error {
	report, err := ledger.VerifyLog(b.s.policy, b.fetch)
	if err == nil && report.Leaves != uint64(len(b.leaves)) {
		err = fmt.Errorf("the served log has %d leaves, want %d", report.Leaves, len(b.leaves))
	}
	return err
}

// fetch serves C2SP tlog-tiles paths.
func (b *book) fetch(path string) ([]byte, error) {
	if path == "checkpoint" {
		return b.s.engine.Checkpoint()
	}
	rest, width := strings.TrimPrefix(path, "tile/"), tileWidth
	if full, partial, found := strings.Cut(rest, ".p/"); found {
		rest, width = full, atoi(partial)
	}
	level, number, _ := strings.Cut(rest, "/")
	n := uint64(0)
	for part := range strings.SplitSeq(number, "/") {
		n = n*1000 + uint64(atoi(strings.TrimPrefix(part, "x")))
	}
	if level == "entries" {
		level = "-1"
	}
	return b.s.engine.Tile(atoi(level), n, width)
}

// atoi reads a number of a path that VerifyLog made.
func atoi(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}
