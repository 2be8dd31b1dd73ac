package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aval/domain"
)

// GovernanceState is who could do what when an entry was booked.
type GovernanceState struct {
	Ledger string `json:"ledger"`
	// To is the number of leaves that count, BookedAt the time of the last entry of governance among them,
	// zero before the first.
	To       uint64        `json:"to"`
	BookedAt domain.Millis `json:"bookedAt"`
	// Entries is the number of entries of governance among them.
	Entries uint64           `json:"entries"`
	Members []domain.PartyID `json:"members"`
	Parties []domain.Party   `json:"parties"`
	// Keys are valid from Since until Revoked, or until now if that is zero.
	Keys    []domain.Key    `json:"keys"`
	Devices []domain.Device `json:"devices"`
	Sources []domain.Source `json:"sources"`
	// Products are those that were approved, Since zero for one whose approval was withdrawn.
	Products []domain.Approval `json:"products"`
	// Measurements are trusted from Since until Until, or until now if that is zero.
	Measurements []domain.Measurement `json:"measurements"`
	// Epochs are the keys that bodies are sealed under; the first one, from the beginning, is not among them.
	Epochs       []EpochStart        `json:"epochs"`
	Grants       []domain.Grant      `json:"grants"`
	Constitution domain.Constitution `json:"constitution"`
	Limits       domain.Limits       `json:"limits"`
	// Recovery and Opening are nil for none.
	Recovery *domain.Recovery `json:"recovery,omitempty"`
	Opening  *domain.Opening  `json:"opening,omitempty"`
	// Proposals are those that are open, with all their fields.
	Proposals []RecordView `json:"proposals"`
}

// At derives who could do what at a moment: after the entry at an index, or at an instant. The zero Moment is
// the head of the file. TooEarly for an index beyond it. Other errors are *Fault.
func (g *Governance) At(asOf Moment) (GovernanceState, error) {
	below, err := g.below(asOf)
	if err != nil {
		return GovernanceState{}, err
	}
	p, err := g.replay(below)
	if err != nil {
		return GovernanceState{}, err
	}
	return p.show(g.executor.kinds[domain.GovernanceKind], g.Origin, below)
}

// below is the index from which on entries do not count any more.
func (g *Governance) below(asOf Moment) (uint64, error) {
	until := asOf.at + 1
	switch asOf.form {
	case unset:
		return g.Head.Size, nil
	case byIndex:
		if asOf.index >= g.Head.Size {
			return 0, domain.Refuse(domain.TooEarly, "asOf: index %d is not among the %d leaves of the file", asOf.index, g.Head.Size)
		}
		return asOf.index + 1, nil
	case byDay:
		until = asOf.at + dayMillis
	}
	for _, e := range g.entries {
		if e.BookedAt >= until {
			return e.Index, nil
		}
	}
	return g.Head.Size, nil
}

func (p *replayedGovernance) show(contract domain.Contract, origin string, below uint64) (GovernanceState, error) {
	chained, err := p.state.chain()
	s := GovernanceState{
		Ledger: origin, To: below, Entries: chained.Number, Members: []domain.PartyID{}, Parties: []domain.Party{}, Keys: []domain.Key{},
		Devices: []domain.Device{}, Sources: []domain.Source{}, Products: []domain.Approval{}, Measurements: []domain.Measurement{},
		Epochs: append([]EpochStart{}, p.epochs...), Grants: []domain.Grant{}, Proposals: []RecordView{},
	}
	if p.last != nil {
		s.BookedAt = p.last.BookedAt
	}
	p.state.scan(registryPrefix, "", func(r *slot) bool {
		err = s.add(contract, r)
		return err == nil
	})
	return s, err
}

// add sorts one record of governance into the state. Holders are left out: the keys say who holds them.
func (s *GovernanceState) add(contract domain.Contract, r *slot) error {
	switch v := r.registered.(type) {
	case domain.Party:
		s.Parties = append(s.Parties, v)
		if slices.Contains(v.Roles, domain.RoleMember) {
			s.Members = append(s.Members, v.ID)
		}
	case domain.Key:
		s.Keys = append(s.Keys, v)
	case domain.Device:
		s.Devices = append(s.Devices, v)
	case domain.Source:
		s.Sources = append(s.Sources, v)
	case domain.Approval:
		s.Products = append(s.Products, v)
	case domain.Measurement:
		s.Measurements = append(s.Measurements, v)
	case domain.Grant:
		s.Grants = append(s.Grants, v)
	case domain.Constitution:
		s.Constitution = v
	case domain.Limits:
		s.Limits = v
	case domain.Recovery:
		s.Recovery = &v
	case domain.Opening:
		s.Opening = &v
	case nil:
		if strings.HasPrefix(r.Key, "proposal/") {
			shown, err := contract.Show(r.Key, r.Body, "")
			s.Proposals = append(s.Proposals, RecordView{ID: domain.NewRecordID(r.Kind, r.Key), Kind: r.Kind, Status: r.Status, Fields: shown})
			return err
		}
	}
	return nil
}

// NotBefore refuses a file that is older than a head known from elsewhere, or of another history of the same length.
func (g *Governance) NotBefore(known Checkpoint) error {
	switch {
	case g.Head.Size < known.Size:
		return &Fault{g.Head.Size, fmt.Errorf("the governance file is stale: it is of %d leaves, and a head over %d is known", g.Head.Size, known.Size)}
	case g.Head.Size == known.Size && !bytes.Equal(g.Head.Hash, known.Hash):
		return &Fault{g.Head.Size, errors.New("the governance file is of another history than the head that is known")}
	}
	return nil
}
