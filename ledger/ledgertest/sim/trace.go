package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// maxTraceLines bounds the lines that a failure shows.
const maxTraceLines = 40

// trace hashes what happens and remembers the end of it.
type trace struct {
	hash hash.Hash
	last []string
}

func newTrace() *trace { return &trace{hash: sha256.New()} }

// line adds one event. Nothing in it may depend on anything but the options of the run.
func (t *trace) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	fmt.Fprintln(t.hash, text)
	if len(t.last) == maxTraceLines {
		t.last = t.last[1:]
	}
	t.last = append(t.last, text)
}

func (t *trace) sum() string { return hex.EncodeToString(t.hash.Sum(nil)) }
