package ledgertest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"aval/domain"
	"aval/ledger"
)

// TestStore runs the behaviour that every driver of ledger.Store must show. newStore gives a
// fresh, empty store each time.
func TestStore(t *testing.T, newStore func() ledger.Store) {
	for name, test := range map[string]func(*testing.T, ledger.Store){
		"an empty store":                            testEmpty,
		"what was appended is read back":            testReadBack,
		"a commit that does not follow is refused":  testRefusedWhole,
		"a checkpoint comes with its head":          testCheckpoint,
		"slots are replaced, closed and deleted":    testSlots,
		"pages":                                     testPages,
		"an error of a visitor stops the visit":     testVisitError,
		"bytes belong to whoever holds them":        testOwnBytes,
		"readers beside the writer see whole steps": testReaders,
		"quarantine":                                testQuarantine,
		"cosigned heads":                            testCosigned,
		"what is beside the log":                    testBeside,
	} {
		t.Run(name, func(t *testing.T) {
			s := newStore()
			defer s.Close()
			test(t, s)
		})
	}
}

func tag(n int) []byte { return fmt.Appendf(nil, "tag-%012d", n) }

// step is the commit number k, of one entry and its seal.
func step(k int) ledger.Commit {
	first := uint64(2 * (k - 1))
	return ledger.Commit{
		Entries: []ledger.StoredEntry{
			{Index: first, Leaf: []byte("leaf"), Body: fmt.Appendf(nil, "body %d", k)}, {Index: first + 1, Leaf: []byte("seal")},
		},
		IDs:        []ledger.StoredID{{Tag: tag(k), Index: first}},
		Refs:       []ledger.StoredRef{{Tag: tag(0), Index: first}, {Tag: tag(1000 + k), Index: first}},
		Slots:      []ledger.StoredSlot{{Tag: tag(k), Body: fmt.Appendf(nil, "slot %d", k), Open: true, Members: [][]byte{tag(7)}}},
		Tiles:      []ledger.StoredTile{{Level: 0, N: 0, Data: bytes.Repeat([]byte{byte(k)}, 64*k)}},
		Head:       ledger.Head{Size: first + 2, Sequence: uint64(k), Now: domain.Millis(100 * k), Indexed: first + 2},
		Checkpoint: fmt.Appendf(nil, "note %d", k),
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func fill(t *testing.T, s ledger.Store, steps int) {
	t.Helper()
	for k := 1; k <= steps; k++ {
		must(t, s.Append(step(k)))
	}
}

func entries(t *testing.T, a ledger.Archive, from uint64, limit int) (all []ledger.StoredEntry) {
	t.Helper()
	must(t, a.Entries(from, limit, func(e ledger.StoredEntry) error {
		all = append(all, e)
		return nil
	}))
	return all
}

func slots(t *testing.T, a ledger.Archive, q ledger.SlotQuery) (all []ledger.StoredSlot) {
	t.Helper()
	must(t, a.Slots(q, func(s ledger.StoredSlot) error {
		all = append(all, s)
		return nil
	}))
	return all
}

// testCosigned asks of a store what ledger.CosignedStore says, if it is one.
func testCosigned(t *testing.T, s ledger.Store) {
	cosigned, ok := s.(ledger.CosignedStore)
	if !ok {
		return
	}
	want := func(size uint64, note string) {
		t.Helper()
		if got, sealed, err := cosigned.Cosigned(); got != size || string(sealed) != note || err != nil {
			t.Errorf("cosigned %d %q, %v, want %d %q", got, sealed, err, size, note)
		}
	}
	want(0, "")
	for _, c := range []struct {
		size uint64
		note string
	}{{7, "seven"}, {7, "seven, by more"}, {9, "nine"}} {
		must(t, cosigned.PutCosigned(c.size, []byte(c.note)))
		want(c.size, c.note)
	}
	if err := cosigned.PutCosigned(8, []byte("eight")); err == nil {
		t.Error("fewer leaves came after more")
	}
	want(9, "nine")
}

func testEmpty(t *testing.T, s ledger.Store) {
	head, note, err := s.Head()
	if err != nil || head != (ledger.Head{}) || len(note) != 0 {
		t.Errorf("head %+v, %q, %v", head, note, err)
	}
	if data, err := s.Tile(0, 0); data != nil || err != nil {
		t.Errorf("tile %x, %v", data, err)
	}
	if found, err := s.Find([][]byte{tag(1)}); len(found) != 0 || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if found, err := s.Find(nil); len(found) != 0 || err != nil {
		t.Errorf("found %v, %v", found, err)
	}
	if refs, err := s.Refs(tag(1), 0, 10); len(refs) != 0 || err != nil {
		t.Errorf("refs %v, %v", refs, err)
	}
	for _, q := range []ledger.SlotQuery{{Tag: tag(1)}, {Member: tag(1), Limit: 9}, {OpenOnly: true}, {All: true}} {
		if found := slots(t, s, q); len(found) != 0 {
			t.Errorf("%+v: %v", q, found)
		}
	}
	if found := entries(t, s, 0, 10); len(found) != 0 {
		t.Errorf("entries %v", found)
	}
}

func testReadBack(t *testing.T, s ledger.Store) {
	fill(t, s, 3)
	head, _, err := s.Head()
	if err != nil || head != step(3).Head {
		t.Errorf("head %+v, %v", head, err)
	}
	for i, e := range entries(t, s, 0, 10) {
		want := step(i/2 + 1).Entries[i%2]
		if e.Index != want.Index || !bytes.Equal(e.Leaf, want.Leaf) || !bytes.Equal(e.Body, want.Body) {
			t.Errorf("entry %d: %+v, want %+v", i, e, want)
		}
	}
	if data, err := s.Tile(0, 0); err != nil || !bytes.Equal(data, step(3).Tiles[0].Data) {
		t.Errorf("tile of %d bytes, %v: want the last", len(data), err)
	}
	found, err := s.Find([][]byte{tag(2), tag(9)})
	if id, ok := found[string(tag(2))]; err != nil || len(found) != 1 || !ok || id.Index != 2 {
		t.Errorf("found %v, %v", found, err)
	}
	if refs, err := s.Refs(tag(0), 0, 10); err != nil || !slices.Equal(refs, []uint64{0, 2, 4}) {
		t.Errorf("refs %v, %v", refs, err)
	}
	if got := slots(t, s, ledger.SlotQuery{Tag: tag(2)}); len(got) != 1 || string(got[0].Body) != "slot 2" || !got[0].Open {
		t.Errorf("slot %v", got)
	}
}

// A refused commit leaves nothing, whatever it is refused for.
func testRefusedWhole(t *testing.T, s ledger.Store) {
	fill(t, s, 2)
	for name, change := range map[string]func(*ledger.Commit){
		"gap in the size":       func(c *ledger.Commit) { c.Head.Size++ },
		"size again":            func(c *ledger.Commit) { c.Head.Size -= 2 },
		"sequence stands still": func(c *ledger.Commit) { c.Head.Sequence = 2 },
		"time stands still":     func(c *ledger.Commit) { c.Head.Now = 200 },
		"identity taken":        func(c *ledger.Commit) { c.IDs[0].Tag = tag(1) },
		"index taken":           func(c *ledger.Commit) { c.Entries[0].Index = 3 },
	} {
		c := step(3)
		change(&c)
		if s.Append(c) == nil {
			t.Fatalf("%s: accepted", name)
		}
		head, _, err := s.Head()
		found, findErr := s.Find([][]byte{tag(3)})
		if err != nil || findErr != nil || head != step(2).Head || len(found) != 0 || len(entries(t, s, 0, 99)) != 4 || len(slots(t, s, ledger.SlotQuery{All: true})) != 2 {
			t.Errorf("%s: something of it was kept", name)
		}
	}
	must(t, s.Append(step(3)))
}

func testCheckpoint(t *testing.T, s ledger.Store) {
	fill(t, s, 2)
	if head, note, err := s.Head(); err != nil || head.Size != 4 || string(note) != "note 2" {
		t.Errorf("head of %d, checkpoint %q, %v", head.Size, note, err)
	}
}

func testSlots(t *testing.T, s ledger.Store) {
	fill(t, s, 3)
	c := step(4)
	c.Slots = []ledger.StoredSlot{
		{Tag: tag(1), Body: []byte("closed"), Members: [][]byte{tag(7), tag(8)}}, {Tag: tag(2)}, {Tag: tag(99)},
		{Tag: tag(3), Body: []byte("again"), Open: true},
	}
	must(t, s.Append(c))
	if got := slots(t, s, ledger.SlotQuery{Tag: tag(1)}); len(got) != 1 || got[0].Open || string(got[0].Body) != "closed" {
		t.Errorf("closed slot: %v", got)
	}
	if got := slots(t, s, ledger.SlotQuery{Tag: tag(2)}); len(got) != 0 {
		t.Errorf("deleted slot: %v", got)
	}
	if got := slots(t, s, ledger.SlotQuery{OpenOnly: true}); len(got) != 1 || string(got[0].Body) != "again" {
		t.Errorf("open slots: %v", got)
	}
	if got := slots(t, s, ledger.SlotQuery{All: true}); len(got) != 2 {
		t.Errorf("all slots: %v", got)
	}
	if got := slots(t, s, ledger.SlotQuery{Member: tag(7), Limit: 9}); len(got) != 2 {
		t.Errorf("members: %v", got)
	}
	if got := slots(t, s, ledger.SlotQuery{Member: tag(8), Limit: 9}); len(got) != 1 {
		t.Errorf("members: %v", got)
	}
}

func testPages(t *testing.T, s ledger.Store) {
	const steps = 12
	fill(t, s, steps)
	q, seen := ledger.SlotQuery{Member: tag(7), Limit: 5}, 0
	for page := slots(t, s, q); len(page) > 0; page = slots(t, s, q) {
		for _, slot := range page {
			seen++
			if bytes.Compare(slot.Tag, q.After) <= 0 || len(page) > 5 {
				t.Errorf("page of %d, %q after %q", len(page), slot.Tag, q.After)
			}
			q.After = slot.Tag
		}
	}
	if seen != steps {
		t.Errorf("%d slots in pages, want %d", seen, steps)
	}
	if refs, err := s.Refs(tag(0), 3, 2); err != nil || !slices.Equal(refs, []uint64{4, 6}) {
		t.Errorf("refs from 3: %v, %v", refs, err)
	}
	for before, want := range map[uint64][]uint64{0: nil, 1: {0}, 4: {2, 0}, 5: {4, 2}, 1 << 63: {22, 20}, math.MaxUint64: {22, 20}} {
		if refs, err := s.RefsBefore(tag(0), before, 2); err != nil || !slices.Equal(refs, want) {
			t.Errorf("refs before %d: %v, %v, want %v", before, refs, err, want)
		}
	}
	if refs, err := s.RefsBefore(tag(1000), 99, 2); err != nil || len(refs) != 0 {
		t.Errorf("refs before 99 of nothing: %v, %v", refs, err)
	}
	if got := entries(t, s, 3, 2); len(got) != 2 || got[0].Index != 3 {
		t.Errorf("entries from 3: %v", got)
	}
	var tags [][]byte
	for n := range 2000 {
		tags = append(tags, tag(n))
	}
	if found, err := s.Find(tags); err != nil || len(found) != steps {
		t.Errorf("found %d of %d, %v", len(found), steps, err)
	}
}

func testVisitError(t *testing.T, s ledger.Store) {
	fill(t, s, 2)
	stop, visits := errors.New("stop"), 0
	if err := s.Entries(0, 9, func(ledger.StoredEntry) error { visits++; return stop }); !errors.Is(err, stop) || visits != 1 {
		t.Errorf("entries: %v after %d", err, visits)
	}
	if err := s.Slots(ledger.SlotQuery{All: true}, func(ledger.StoredSlot) error { visits++; return stop }); !errors.Is(err, stop) || visits != 2 {
		t.Errorf("slots: %v after %d", err, visits)
	}
}

func testOwnBytes(t *testing.T, s ledger.Store) {
	c := step(1)
	must(t, s.Append(c))
	c.Entries[0].Leaf[0], c.Slots[0].Body[0], c.Tiles[0].Data[0] = 'X', 'X', 'X'
	read := func() (leaf, body, tile []byte) {
		tile, err := s.Tile(0, 0)
		must(t, err)
		return entries(t, s, 0, 1)[0].Leaf, slots(t, s, ledger.SlotQuery{All: true})[0].Body, tile
	}
	for range 2 {
		leaf, body, tile := read()
		if leaf[0] != 'l' || body[0] != 's' || tile[0] != 1 {
			t.Fatal("the store shares its bytes")
		}
		leaf[0], body[0], tile[0] = 'Y', 'Y', 'Y'
	}
}

func testReaders(t *testing.T, s ledger.Store) {
	done := make(chan error, 1)
	go func() {
		var err error
		for k := 1; k <= 40 && err == nil; k++ {
			err = s.Append(step(k))
		}
		done <- err
	}()
	for running := true; running; {
		select {
		case err := <-done:
			must(t, err)
			running = false
		default:
		}
		head, _, err := s.Head()
		must(t, err)
		if got := entries(t, s, 0, 1000); uint64(len(got)) < head.Size || len(got)%2 != 0 {
			t.Fatalf("%d entries under a head of %d", len(got), head.Size)
		}
	}
}

func testQuarantine(t *testing.T, s ledger.Store) {
	for n := range 5 {
		must(t, s.Quarantine(domain.Millis(n), "malformed", []byte{byte(n)}, 3))
	}
	if counter, ok := s.(interface{ Quarantined() int }); ok && counter.Quarantined() != 3 {
		t.Errorf("%d in quarantine, limit 3", counter.Quarantined())
	}
}
