package ledgertest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"

	"github.com/oklog/ulid/v2"

	"aval/domain"
	"aval/domain/envelope"
	"aval/ledger"
)

// beside is what a Memory keeps beside the log.
type beside struct {
	subjects map[string][]byte
	rows     []ledger.StoredPrivate
}

func (b *beside) change(p ledger.PrivateChange) {
	for _, s := range p.Subjects {
		b.subjects[string(s.Tag)] = bytes.Clone(s.Key)
	}
	for _, row := range p.Rows {
		b.rows = append(b.rows, cloneRow(row))
	}
	for _, tag := range p.Erased {
		delete(b.subjects, string(tag))
		b.rows = slices.DeleteFunc(b.rows, func(row ledger.StoredPrivate) bool { return bytes.Equal(row.Subject, tag) })
	}
	slices.SortFunc(b.rows, func(x, y ledger.StoredPrivate) int {
		return cmp.Or(cmp.Compare(x.Index, y.Index), x.Number-y.Number)
	})
}

// check refuses a change that does not fit what is kept.
func (b *beside) check(p ledger.PrivateChange) error {
	for _, s := range p.Subjects {
		if _, taken := b.subjects[string(s.Tag)]; taken {
			return errStore
		}
	}
	for _, row := range p.Rows {
		if slices.ContainsFunc(b.rows, func(old ledger.StoredPrivate) bool { return old.Index == row.Index && old.Number == row.Number }) {
			return errStore
		}
	}
	return nil
}

func cloneRow(row ledger.StoredPrivate) ledger.StoredPrivate {
	row.Subject, row.Digest, row.Body = bytes.Clone(row.Subject), bytes.Clone(row.Digest), bytes.Clone(row.Body)
	return row
}

// Subject implements ledger.PrivateArchive.
func (m *Memory) Subject(tag []byte) ([]byte, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return bytes.Clone(m.beside.subjects[string(tag)]), nil
}

// Subjects implements ledger.PrivateArchive.
func (m *Memory) Subjects(visit func(ledger.StoredSubject) error) error {
	m.mu.RLock()
	all := maps.Clone(m.beside.subjects)
	m.mu.RUnlock()
	for _, tag := range slices.Sorted(maps.Keys(all)) {
		if err := visit(ledger.StoredSubject{Tag: []byte(tag), Key: bytes.Clone(all[tag])}); err != nil {
			return err
		}
	}
	return nil
}

// Private implements ledger.PrivateArchive.
func (m *Memory) Private(q ledger.PrivateQuery, visit func(ledger.StoredPrivate) error) error {
	m.mu.RLock()
	all := slices.Clone(m.beside.rows)
	m.mu.RUnlock()
	for _, row := range all {
		if q.Digest != nil && !bytes.Equal(row.Digest, q.Digest) || q.Digest == nil && (row.Index < q.From || row.Index >= q.To) {
			continue
		}
		if err := visit(cloneRow(row)); err != nil {
			return err
		}
	}
	return nil
}

// PrivateCommand signs a Till or Governance command that is valid for an hour and carries
// private values behind it.
func (w *World) PrivateCommand(s *envelope.Signer, kind domain.Kind, contract, name string, body any, values ...envelope.Value) []byte {
	w.T.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		w.T.Fatal(err)
	}
	c, disclosures, err := envelope.Attach(domain.Command{
		Ledger: Origin, ID: ulid.Make().String(), Kind: kind, Contract: contract, Name: name, Body: text,
		NotAfter: w.Clock.Millis() + 3_600_000,
	}, values, rand.Reader)
	if err != nil {
		w.T.Fatal(err)
	}
	raw, err := envelope.SealCommand(s, c)
	if err != nil {
		w.T.Fatal(err)
	}
	return envelope.Join(raw, disclosures...)
}

// Erase marks a party as erased, as governance does.
func (n *Node) Erase(id domain.PartyID) ledger.Reply {
	n.World.T.Helper()
	return n.MustSubmit(n.World.Command(n.World.Member, domain.GovernanceKind, "registry", "register",
		Registration{Party: &domain.Party{ID: id, Erased: n.World.Clock.Millis()}}))
}
