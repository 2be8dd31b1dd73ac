package node

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aval/domain"
)

// TestAcceptedHeadIsInTheLogFirst: a head that was accepted is noted only when the log says so: whoever dies before that has no
// note at the next start either, and a batch in between makes none.
func TestAcceptedHeadIsInTheLogFirst(t *testing.T) {
	f := cameBy(t, domain.OpenedSealed)
	f.Config.Listen, f.Config.Admin = "127.0.0.1:0", ""
	path := filepath.Join(f.Dir, HeadNoteFile)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(f, Options{}); err == nil || !strings.Contains(err.Error(), "NO NOTE OF THE LAST HEAD") {
		t.Fatalf("opened without a note: %v", err)
	}
	n, err := Open(f, Options{AcceptHead: true})
	if err != nil {
		t.Fatal(err)
	}
	if !n.store.held {
		t.Error("a batch before the entry would be noted")
	}
	if err := n.Close(); err != nil { // before anything was recorded
		t.Fatal(err)
	}
	if found := heads(t, path); found != "[]" {
		t.Fatalf("noted %s", found)
	}
	if n, err = Open(f, Options{AcceptHead: true}); err != nil {
		t.Fatal(err)
	}
	_, genesis := n.Engine.Signed()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	select {
	case <-n.settled:
	case err := <-done:
		t.Fatal(err)
	}
	if o := n.Engine.Opening(); o.Accepted != 2 || o.Way != domain.OpenedSealed {
		t.Errorf("the log says %+v", o)
	}
	_, now := n.Engine.Signed()
	if noted, err := os.ReadFile(path); err != nil || !strings.Contains(string(noted), string(now)) || strings.Contains(string(noted), string(genesis)) {
		t.Errorf("noted %q, %v", noted, err)
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	again, err := Open(f, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// TestHeldStoreNotesNothing: while the head is held, a batch leaves no note.
func TestHeldStoreNotesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), HeadNoteFile)
	note, _, err := openHeadNote(path)
	if err != nil {
		t.Fatal(err)
	}
	s := &notedStore{note: note}
	s.hold()
	for _, head := range []string{"one", "two"} {
		if err := s.noted([]byte(head)); err != nil {
			t.Fatal(err)
		}
	}
	if found := heads(t, path); found != "[]" {
		t.Errorf("noted %s", found)
	}
	if err := s.release(); err != nil {
		t.Fatal(err)
	}
	if err := s.noted([]byte("three")); err != nil {
		t.Fatal(err)
	}
	if found := heads(t, path); found != "[two three]" {
		t.Errorf("noted %s", found)
	}
}
