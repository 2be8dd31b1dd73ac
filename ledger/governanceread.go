package ledger

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/tlog"

	"aval/domain"
	"aval/domain/canon"
)

// Governance is a governance file that was verified: every accepted entry of governance/1 of a ledger up to a
// head, none left out, and each with the effects that it had.
type Governance struct {
	Origin string
	// Head is the signed head, BookedAt the time of its last batch.
	Head     Checkpoint
	BookedAt domain.Millis

	executor   executor
	checkpoint []byte
	entries    []*entry
}

// Entries is the number of entries in the file.
func (g *Governance) Entries() int { return len(g.entries) }

// OpenGovernance verifies a governance file knowing only a policy, and executes it again with the contract
// governance/1: each signature, each decision and each count of ballots. Errors are *Fault, with the index
// from which on the file is not what it should be.
func OpenGovernance(policy Policy, contract domain.Contract, file io.Reader) (*Governance, error) {
	r := governanceReader{lines: bufio.NewReaderSize(file, 64<<10), chain: governanceChain{Head: make([]byte, tlog.HashSize)}}
	if err := r.head(policy); err != nil {
		return nil, &Fault{0, err}
	}
	for r.chain.Number < r.said.Entries {
		if err := r.entry(); err != nil {
			return nil, &Fault{r.last, err}
		}
	}
	if err := r.end(); err != nil {
		return nil, &Fault{r.last, err}
	}
	r.found.executor = newExecutor(policy.Origin(), policy.log, []domain.Contract{contract}, nil)
	if _, err := r.found.replay(r.found.Head.Size); err != nil {
		return nil, err
	}
	return &r.found, nil
}

// governanceReader goes through a file line by line.
type governanceReader struct {
	lines *bufio.Reader
	bytes int
	said  governanceHead
	chain governanceChain
	last  uint64
	found Governance
}

var errCutShort = errors.New("the governance file is cut short")

// line gives the next line with its line feed; io.EOF at the end.
func (r *governanceReader) line() ([]byte, error) {
	var line []byte
	for {
		part, err := r.lines.ReadSlice('\n')
		line = append(line, part...)
		r.bytes += len(part)
		switch {
		case len(line) > MaxGovernanceLine:
			return nil, fmt.Errorf("line of more than %d bytes", MaxGovernanceLine)
		case r.bytes > MaxGovernanceBytes:
			return nil, fmt.Errorf("governance file of more than %d bytes", MaxGovernanceBytes)
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(line) > 0:
			return nil, fmt.Errorf("%w: its last line has no end", errCutShort)
		default:
			return line, err
		}
	}
}

// head reads the first line: what it says must be what the last seal under the signed head says.
func (r *governanceReader) head(policy Policy) error {
	text, err := r.line()
	if err == nil {
		err = parseLine(text, &r.said)
	}
	if err != nil {
		return noEnd(err)
	}
	if r.said.Format != GovernanceFormat {
		return fmt.Errorf("format %.40q, this program reads %s", r.said.Format, GovernanceFormat)
	}
	if origin, _, _ := bytes.Cut([]byte(r.said.Checkpoint), []byte("\n")); r.said.Origin != policy.Origin() || string(origin) != policy.Origin() {
		return fmt.Errorf("the governance file is of ledger %.100q, the policy of %q", r.said.Origin, policy.Origin())
	}
	r.found.Origin, r.found.checkpoint = r.said.Origin, []byte(r.said.Checkpoint)
	if r.found.Head, err = policy.openNamed(r.found.checkpoint); err != nil {
		return err
	}
	if size := r.found.Head.Size; size == 0 || size > maxLogLeaves {
		return fmt.Errorf("checkpoint over %d leaves, want 1 to %d", size, uint64(maxLogLeaves))
	}
	return r.seal()
}

func (r *governanceReader) seal() error {
	size := r.found.Head.Size
	if err := checkIncluded(r.found.Head, size-1, r.said.Seal, r.said.Proof); err != nil {
		return fmt.Errorf("the seal is not the last of %d leaves, so the file is older than its checkpoint, or altered: %w", size, err)
	}
	var closing sealLeaf
	if err := canon.Unmarshal(r.said.Seal, &closing); err != nil || closing.Version != 1 || closing.Type != "s" {
		return errors.New("the last leaf under the checkpoint is no seal")
	}
	value, err := canon.Marshal(governanceChain{r.said.Entries, r.said.Chain})
	if err != nil {
		return err
	}
	chained := committed{Path: chainPath, Salt: r.said.Salt, Value: value}
	if err := chained.check(); err != nil {
		return err
	}
	if !bytes.Equal(chained.commitment(), closing.Chain) {
		return fmt.Errorf("the seal of the log does not count %d entries of governance, or others than this file", r.said.Entries)
	}
	r.found.BookedAt = closing.BookedAt
	return nil
}

// entry reads the line of one entry and finds it in the log.
func (r *governanceReader) entry() error {
	number := r.chain.Number + 1
	text, err := r.line()
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: it ends after %d of %d entries", errCutShort, r.chain.Number, r.said.Entries)
	}
	var l governanceLine
	if err == nil {
		err = parseLine(text, &l)
	}
	if err != nil {
		return fmt.Errorf("entry %d: %w", number, err)
	}
	switch {
	case l.Number > number:
		return fmt.Errorf("entry %d of governance was left out: the file goes on with entry %d", number, l.Number)
	case l.Number < number, number > 1 && l.Index <= r.last:
		return fmt.Errorf("the entries are out of order: entry %d at index %d stands behind index %d", l.Number, l.Index, r.last)
	case l.Index >= r.found.Head.Size:
		return fmt.Errorf("entry %d is at index %d, beyond the %d leaves of the checkpoint", number, l.Index, r.found.Head.Size)
	}
	if err := r.check(l); err != nil {
		return fmt.Errorf("entry %d, at index %d, is not what the log holds there: %w", number, l.Index, err)
	}
	r.last, r.chain = l.Index, r.chain.next(l.Entry)
	return nil
}

// check holds an entry against its leaf, and the leaf against the head.
func (r *governanceReader) check(l governanceLine) error {
	if _, err := l.disclosure().open(l.Index); err != nil {
		return err
	}
	if err := checkIncluded(r.found.Head, l.Index, l.Leaf, l.Proof); err != nil {
		return err
	}
	e := &entry{}
	if err := canon.Unmarshal(l.Entry, e); err != nil {
		return err
	}
	if !e.governs() {
		return errors.New("it is no accepted entry of governance")
	}
	r.found.entries = append(r.found.entries, e)
	return nil
}

// end wants nothing more, and exactly the entries that the seal counts.
func (r *governanceReader) end() error {
	_, err := r.line()
	switch {
	case err == nil:
		return fmt.Errorf("the file goes on after the %d entries that the seal counts", r.said.Entries)
	case !errors.Is(err, io.EOF):
		return err
	case !bytes.Equal(r.chain.Head, r.said.Chain):
		return fmt.Errorf("the %d entries are not those that the seal of the log counts: one was left out and another put in", r.said.Entries)
	}
	return nil
}
