package node

import (
	"errors"
	"fmt"
	"path/filepath"

	"aval/ledger"
	"aval/ledger/enclave"
)

// What shows that the head of the database is the newest, in Custody.Head.
const (
	// HeadNoted: the note of the newest head and, where there is one, the platform's counter.
	HeadNoted = "noted"
	// HeadWitnessed: a quorum of witnesses, asked at this start.
	HeadWitnessed = "witnessed"
	// HeadAccepted: nothing but the word of who started the node, which the log holds.
	HeadAccepted = "accepted"
	// HeadUnproven: nothing yet; the node waits for its witnesses and signs nothing.
	HeadUnproven = "unproven"
)

// errUnproven is what an operator can do about a head that nothing vouches for.
var errUnproven = errors.New("nothing shows that this database is the newest one, and from an older one the node would sign a second history. " +
	"Put the newest folder back. If it is lost for good, or this is a restored backup, so is what was answered after it: " +
	"tell everybody who holds receipts, then start once with --accept-head, which the log will say")

// noteFirst leaves what will show that the head of a new ledger is its newest.
func noteFirst(dir string, keys *ledger.Keys, platform enclave.Platform, e *ledger.Engine) error {
	note, _, err := openHeadNote(filepath.Join(dir, HeadNoteFile))
	if err != nil {
		return err
	}
	size, signed := e.Signed()
	if err := errors.Join(note.write(signed), note.close()); err != nil {
		return err
	}
	counter, err := newHeadCounter(dir, platform, keys)
	if err != nil || counter == nil {
		return err
	}
	return counter.begin(size)
}

// proveHead wants something to show that the database is the newest one: the note and the counter, else the witnesses, else the
// caller's word.
func (n *Node) proveHead(noted [][]byte) error {
	doubt, err := n.doubtHead(noted)
	if err != nil {
		return err
	}
	n.settled = make(chan struct{})
	switch {
	case doubt == "":
		close(n.settled)
		return nil
	case n.options.AcceptHead:
		n.accepted = n.Engine.Size()
		n.store.hold()
		n.options.Log.Warn("the head is accepted though nothing shows that it is the newest; the log says so from now on", "leaves", n.accepted, "why", doubt)
		return nil
	case n.Folder.Config.Witnesses != nil:
		n.doubt = doubt
		n.options.Log.Warn("the witnesses have to show that the head is the newest", "leaves", n.Engine.Size(), "why", doubt)
		return nil
	}
	return fmt.Errorf("%s: %w", doubt, errUnproven)
}

// doubtHead says why note and counter do not show it; empty: they do. A database that lacks a noted head is an error.
func (n *Node) doubtHead(noted [][]byte) (string, error) {
	path := n.Folder.headNotePath()
	found, err := checkNoted(n.Engine, path, noted)
	switch {
	case err != nil:
		return "", err
	case !found:
		return fmt.Sprintf("NO NOTE OF THE LAST HEAD: %s is missing or holds none that this ledger signed", path), nil
	case n.counter == nil:
		return "", nil
	}
	return n.counter.doubt(n.Engine.Size())
}

// witnessHead is asked once the witnesses were: a head that was in doubt needs a quorum that cosigned it now.
func (n *Node) witnessHead() error {
	if n.doubt == "" {
		return nil
	}
	if !n.Witnesses.Confirmed() {
		return fmt.Errorf("%s, and no quorum of witnesses confirms it: %w", n.doubt, errUnproven)
	}
	_, signed := n.Engine.Signed()
	if err := n.store.note.write(signed); err != nil {
		return err
	}
	n.options.Log.Info("a quorum of witnesses confirms the head")
	close(n.settled)
	return nil
}

// headShown says what vouches for the head.
func (n *Node) headShown() string {
	switch {
	case n.accepted > 0:
		return HeadAccepted
	case n.doubt == "":
		return HeadNoted
	case n.Witnesses.Confirmed():
		return HeadWitnessed
	}
	return HeadUnproven
}
