package ledger

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
	"aval/domain/canon"
)

// Every slot's bytes are those of canon.Marshal.
func TestSlotBytesAreCanonical(t *testing.T) {
	if n := reflect.TypeFor[slot]().NumField(); n != 13 {
		t.Fatalf("a slot has %d fields: encode writes 12, and one is not part of the bytes", n)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{"", "", "a", "EUR", "a key of more than twenty-three letters", "é"})
		s := &slot{
			Type: rapid.SampledFrom([]slotType{recordSlot, balanceSlot, deadlineSlot, watchSlot, outflowSlot}).Draw(t, "type"),
			Kind: domain.Kind(text.Draw(t, "kind")), Key: text.Draw(t, "key"), Name: text.Draw(t, "name"), Status: text.Draw(t, "status"),
			Body: rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body"), Final: rapid.Bool().Draw(t, "final"), HeldFor: domain.PartyID(text.Draw(t, "held for")),
			Minor: rapid.SampledFrom([]int64{0, 0, 1, -1, 24, -1 << 63}).Draw(t, "minor"), At: domain.Millis(rapid.SampledFrom([]int64{0, 0, 1, 1 << 40}).Draw(t, "at")),
		}
		for range rapid.IntRange(0, 3).Draw(t, "parties") {
			s.Parties = append(s.Parties, domain.PartyID(text.Draw(t, "party")))
		}
		if rapid.Bool().Draw(t, "watched") {
			s.Watch = &domain.Watch{Subject: text.Draw(t, "subject"), Until: 7, Phases: []domain.WatchPhase{{From: 1, Schedule: "@every 1m"}}}
		}
		got, err := s.encode()
		want, failed := canon.Marshal(s)
		if err != nil || failed != nil || !bytes.Equal(got, want) {
			t.Fatalf("%+v:\n%x, %v\n%x, %v", s, got, err, want, failed)
		}
	})
	for _, s := range []*slot{{Key: "\xff"}, {Status: "\xff"}, {Parties: []domain.PartyID{"\xff"}}, {Watch: &domain.Watch{Subject: "\xff"}}} {
		if b, err := s.encode(); err == nil {
			t.Errorf("%+v is encoded as %x", s, b)
		}
	}
}
