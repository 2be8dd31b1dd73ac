package node

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

func heads(t *testing.T, path string) string {
	t.Helper()
	h, found, err := openHeadNote(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s", found)
}

// TestHeadNoteKeepsTheLastTwo: whatever half of it a power cut leaves, the head before it is there.
func TestHeadNoteKeepsTheLastTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), HeadNoteFile)
	h, found, err := openHeadNote(path)
	if err != nil || len(found) != 0 {
		t.Fatal(found, err)
	}
	for _, head := range []string{"one", "two", "three"} {
		if err := h.write([]byte(head)); err != nil {
			t.Fatal(err)
		}
	}
	if err := h.write(bytes.Repeat([]byte{'x'}, noteSlot-1)); err == nil {
		t.Error("a head that does not fit was taken")
	}
	if err := h.close(); err != nil {
		t.Fatal(err)
	}
	if got := heads(t, path); got != "[three two]" {
		t.Errorf("kept %s", got)
	}
	for size := int64(0); size <= 2*noteSlot; size += 31 {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
		heads(t, path)
	}
}

func FuzzParseHeadNotes(f *testing.F) {
	f.Add([]byte{0, 3, 'o', 'n', 'e'})
	f.Add(bytes.Repeat([]byte{0xff}, 3*noteSlot))
	f.Fuzz(func(t *testing.T, data []byte) {
		if found := parseHeadNotes(data); len(found) > 2 {
			t.Errorf("%d heads in two slots", len(found))
		}
	})
}
