package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"aval/domain/canon"
	"aval/ledger"
	"aval/ledger/enclave"
)

// CounterFile says how far the platform's counter was when the ledger had how many leaves, signed by the log key. An older copy of the
// folder has an older one, which the counter does not match.
const CounterFile = "head.counter"

const (
	// counterHeading begins the note; no checkpoint begins like it.
	counterHeading = "aval counter 1\n"
	maxCounterFile = 4096
	// countEvery is how often a node counts while its log grows, beside each start and stop: a TPM's storage wears out, after
	// 100,000 writes or more.
	countEvery = time.Hour
)

// counts is a platform with counters that nobody turns back.
type counts interface {
	NewCounter() (index uint32, err error)
	Counter(index uint32) (uint64, error)
	Count(index uint32) error
}

// counted is what the note says after its heading, as JSON.
type counted struct {
	Index  uint32 `json:"index"`
	Value  uint64 `json:"value"`
	Leaves uint64 `json:"leaves"`
}

// headCounter is the counter of a folder. For one goroutine at a time.
type headCounter struct {
	path     string
	platform counts
	signer   note.Signer
	verifier note.Verifier
	// last is what was counted, by this process or as the file said; zero for nothing.
	last counted
}

// newHeadCounter gives the counter of a folder, nil on a platform that has none.
func newHeadCounter(dir string, platform enclave.Platform, keys *ledger.Keys) (*headCounter, error) {
	p, able := platform.(counts)
	if !able {
		return nil, nil
	}
	signer, err := note.NewSigner(keys.LogSigner)
	if err != nil {
		return nil, errors.New("log key does not parse")
	}
	verifier, err := note.NewVerifier(keys.LogVerifier)
	return &headCounter{path: filepath.Join(dir, CounterFile), platform: p, signer: signer, verifier: verifier}, err
}

// doubt says why the counter does not show that the ledger is the newest; empty: it shows that none newer than the last count is missing.
func (c *headCounter) doubt(leaves uint64) (string, error) {
	file, err := readBounded(c.path, maxCounterFile)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Sprintf("NO COUNT OF THE LAST HEAD: %s is missing", c.path), nil
	}
	if err != nil {
		return "", err
	}
	was, err := c.parse(file)
	if err != nil {
		return fmt.Sprintf("NO COUNT OF THE LAST HEAD: %s: %v", c.path, err), nil
	}
	value, err := c.platform.Counter(was.Index)
	switch {
	case errors.Is(err, enclave.ErrNoCounter):
		return fmt.Sprintf("NO COUNT OF THE LAST HEAD: %v: another one, or it was cleared", err), nil
	case err != nil:
		return "", err
	}
	c.last = counted{Index: was.Index, Value: value, Leaves: leaves}
	if was.Value != value && was.Value != value+1 { // one ahead: it was written, and the process died before it counted
		return fmt.Sprintf("ROLLED BACK: the TPM has counted to %d, and %s says %d: the folder is an older copy", value, c.path, was.Value), nil
	}
	if leaves < was.Leaves {
		return fmt.Sprintf("ROLLED BACK: the database has %d leaves, and had %d when the TPM counted to %d", leaves, was.Leaves, value), nil
	}
	return "", nil
}

func (c *headCounter) parse(file []byte) (was counted, err error) {
	opened, err := note.Open(file, note.VerifierList(c.verifier))
	if err != nil {
		return was, errors.New("not signed by this ledger's log key")
	}
	text, ok := strings.CutPrefix(opened.Text, counterHeading)
	if !ok || canon.DecodeJSON([]byte(strings.TrimSuffix(text, "\n")), &was) != nil {
		return was, errors.New("not a count")
	}
	return was, nil
}

// count counts once more, over so many leaves; with a counter of its own if there is none yet. The file goes first: dying between the two leaves
// it one ahead, which is no copy of an older one.
func (c *headCounter) count(leaves uint64) error {
	if c.last.Index == 0 {
		return c.begin(leaves)
	}
	next := counted{Index: c.last.Index, Value: c.last.Value + 1, Leaves: leaves}
	if err := c.write(next); err != nil {
		return err
	}
	if err := c.platform.Count(next.Index); err != nil {
		return err
	}
	c.last = next
	return nil
}

// begin makes a counter.
func (c *headCounter) begin(leaves uint64) (err error) {
	first := counted{Leaves: leaves}
	if first.Index, err = c.platform.NewCounter(); err != nil {
		return err
	}
	if first.Value, err = c.platform.Counter(first.Index); err != nil {
		return err
	}
	c.last = first
	return c.write(first)
}

func (c *headCounter) write(now counted) error {
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	signed, err := note.Sign(&note.Note{Text: counterHeading + string(text) + "\n"}, c.signer)
	if err != nil {
		return errors.New("count the head: the log key does not sign")
	}
	return replaceFile(c.path, signed, 0o600)
}

// countHeads counts at the start, once the head is settled, each hour in which the log grew, and at the stop.
func (n *Node) countHeads(ctx context.Context) error {
	if n.counter == nil {
		return nil
	}
	select {
	case <-n.settled:
	case <-ctx.Done():
		return ctx.Err()
	}
	if err := n.counter.count(n.Engine.Size()); err != nil {
		return err
	}
	for due := time.NewTicker(countEvery); ; {
		select {
		case <-due.C:
		case <-ctx.Done():
			due.Stop()
			return n.countGrown()
		}
		if err := n.countGrown(); err != nil {
			return err
		}
	}
}

func (n *Node) countGrown() error {
	leaves := n.Engine.Size()
	if leaves == n.counter.last.Leaves {
		return nil
	}
	return n.counter.count(leaves)
}
