package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"aval/cmd/aval/node"
	"aval/domain"
	"aval/ledger"
	"aval/ledger/sqlite"
)

// TestFlippedBits changes one bit of a ledger's database at a time, anywhere in the file.
// Verification finds it, or it lies where nothing is read: then the ledger reads as before.
func TestFlippedBits(t *testing.T) {
	t.Parallel()
	random := moments(t)
	h := newHouse(t)
	n := h.start(t)
	for i := range payers {
		h.must(t, trader(i), domain.CashKind, "bank", "transfer", cents(trader((i+1)%payers), 5))
	}
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(h.dir, "ledger.db")
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := node.OpenFolder(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := content(path)
	if err != nil {
		t.Fatal(err)
	}
	flips, found := 150, 0
	if raceEnabled {
		flips = 40 // nothing here runs at once
	}
	for range flips {
		at, bit := random.IntN(len(sound)), byte(1)<<random.IntN(8)
		damaged := append([]byte{}, sound...)
		damaged[at] ^= bit
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := folder.Verify(&h.policy); err != nil {
			found++
			continue
		}
		if after, err := content(path); err != nil || after != before {
			t.Errorf("bit %d of byte %d changed, and the ledger with it (%v), but it verifies", bit, at, err)
		}
	}
	t.Logf("%d of %d flips were found, the others lie where nothing is read", found, flips)
	if found < flips/8 {
		t.Error("too few")
	}
}

// content is a digest of all that a database says of a ledger's history and state.
func content(path string) (string, error) {
	archive, err := sqlite.OpenSnapshot(path)
	if err != nil {
		return "", err
	}
	defer archive.Close()
	hash := sha256.New()
	head, checkpoint, err := archive.Head()
	if err != nil {
		return "", err
	}
	fmt.Fprintf(hash, "%v %q\n", head, checkpoint)
	for from, more := uint64(0), true; more; {
		more = false
		err := archive.Entries(from, 100, func(e ledger.StoredEntry) error {
			fmt.Fprintf(hash, "%d %q %q\n", e.Index, e.Leaf, e.Body)
			if e.Index < from {
				return errors.New("out of order")
			}
			from, more = e.Index+1, true
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	err = archive.Slots(ledger.SlotQuery{All: true}, func(s ledger.StoredSlot) error {
		fmt.Fprintf(hash, "%q %v %q\n", s.Tag, s.Open, s.Body)
		return nil
	})
	return fmt.Sprintf("%x", hash.Sum(nil)), err
}
