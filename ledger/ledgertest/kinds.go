// Package ledgertest holds what tests of the engine and its adapters need: two small
// contract kinds, a manual clock, stores that fail on demand, and a harness that checks the
// whole ledger after every step.
package ledgertest

import (
	"aval/domain"
	"aval/domain/canon"
)

// Governance is a registry in which anybody may register anything: enough for tests of the
// engine, whose own rules it exercises in full.
type Governance struct{}

// Kind is the kind from which the engine reads its registry.
func (Governance) Kind() domain.Kind { return domain.GovernanceKind }

// Apply handles Genesis, and register with any of the records that the engine reads.
func (Governance) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	var fx domain.Effects
	var body Registration
	switch in.Command.Name {
	case "Genesis":
		var g domain.Genesis
		if err := in.Command.DecodeBody(&g); err != nil {
			return fx, err
		}
		g.Key.Class, g.Key.Holder = domain.PartyHolder, string(g.Party.ID)
		body = Registration{Party: &g.Party, Key: &g.Key}
	case "register":
		if err := in.Command.DecodeBody(&body); err != nil {
			return fx, err
		}
	case "Opened":
		body.Opening = &domain.Opening{}
		if err := in.Command.DecodeBody(body.Opening); err != nil {
			return fx, err
		}
	case domain.Accessed:
		var a domain.Access
		if err := in.Command.DecodeBody(&a); err != nil {
			return fx, err
		}
		return a.Effects(v, in.Now, []domain.PartyID{"member"})
	default:
		return fx, domain.Refuse(domain.UnknownCommand, "no command %q", in.Command.Name)
	}
	return body.effects(in)
}

// Registration is the body of register: what is set is written.
type Registration struct {
	Party  *domain.Party  `json:"party,omitempty"`
	Key    *domain.Key    `json:"key,omitempty"`
	Device *domain.Device `json:"device,omitempty"`
	Source *domain.Source `json:"source,omitempty"`
	Grant  *domain.Grant  `json:"grant,omitempty"`
	Limits *domain.Limits `json:"limits,omitempty"`
	// Epoch begins a key epoch.
	Epoch *domain.LedgerEpoch `json:"epoch,omitempty"`
	// Opening says how a node came by its keys.
	Opening *domain.Opening `json:"-"`
}

func (r Registration) effects(in domain.Input) (fx domain.Effects, err error) {
	put := func(key string, state any) {
		w, putErr := domain.Put(key, state, "active", in.Sender)
		if putErr != nil {
			err = putErr
		}
		fx.Writes = append(fx.Writes, w)
	}
	if r.Party != nil {
		put("party/"+string(r.Party.ID), r.Party)
	}
	if r.Key != nil {
		put("key/"+r.Key.ID, r.Key)
	}
	if r.Device != nil {
		put("device/"+r.Device.ID, r.Device)
	}
	if r.Source != nil {
		put("source/"+r.Source.ID, r.Source)
	}
	if r.Epoch != nil {
		put("epoch/current", r.Epoch)
	}
	if r.Opening != nil {
		put("opening/current", r.Opening)
	}
	if r.Grant != nil {
		put("grant/"+string(r.Grant.Viewer)+"/"+r.Grant.ID, r.Grant)
	}
	if r.Limits != nil {
		put("limits/current", r.Limits)
	}
	return fx, err
}

// Everything is the grant that makes an auditor of a party.
func Everything(viewer domain.PartyID) *domain.Grant {
	return &domain.Grant{ID: "everything", Granter: "member", Viewer: viewer, Scope: domain.ScopeAll}
}

// Show gives the raw fields.
func (Governance) Show(_ string, body []byte, _ domain.PartyID) (any, error) {
	return canon.ToJSON(body)
}

// Till is a contract kind under the name of cash/1 that uses everything the engine offers:
// money out of nothing for tests, transfers, holds that a deadline releases, watches that observations hit,
// a broken law on request.
type Till struct{}

// Order is the body of every Till command.
type Order struct {
	To     domain.PartyID `json:"to,omitempty"`
	Amount domain.Money   `json:"amount,omitzero"`
	At     domain.Millis  `json:"at,omitempty"`
	// Ref is the posting that "reverse" and "claim" take back.
	Ref *domain.PostingRef `json:"ref,omitempty"`
}

// hold is money on its way from Owner back to Owner.
type hold struct {
	Owner  domain.PartyID `json:"owner"`
	Amount domain.Money   `json:"amount"`
	Seen   int64          `json:"seen"`
	// With is who was let in later; empty for nobody.
	With domain.PartyID `json:"with,omitempty"`
}

// Kind is cash/1.
func (Till) Kind() domain.Kind { return domain.CashKind }

// Apply judges one command.
func (Till) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	var fx domain.Effects
	var o Order
	if err := in.Command.DecodeBody(&o); err != nil {
		return fx, err
	}
	me, key := domain.PartyAccount(in.Sender), "hold/"+in.Command.Contract
	escrow := domain.EscrowAccount(domain.CashKind, key)
	h, found, err := domain.Load[hold](v, key)
	if err != nil {
		return fx, err
	}
	move := func(from, to domain.AccountID, amount domain.Money) {
		fx.Postings = append(fx.Postings, domain.Posting{Debit: from, Credit: to, Amount: amount, Purpose: in.Command.Name})
	}
	switch in.Command.Name {
	case "issue":
		move(domain.IssueAccount(in.Sender), domain.PartyAccount(o.To), o.Amount)
		return tell(fx, in, key, in.Sender, o.To)
	case "transfer":
		move(me, domain.PartyAccount(o.To), o.Amount)
		return tell(fx, in, key, in.Sender, o.To)
	case "hold":
		if found || v.Closed(key) {
			return fx, domain.Refuse(domain.AlreadyExists, "hold exists")
		}
		move(me, escrow, o.Amount)
		fx.Deadlines = []domain.Deadline{{At: o.At, Contract: in.Command.Contract, Name: "Release"}}
		fx.Watches = []domain.Watch{{Subject: in.Command.Contract, Until: o.At}}
		return keep(fx, in, key, hold{Owner: in.Sender, Amount: o.Amount}, false)
	case "give": // whose money the hold is never changes: a bug that stops the engine
		h.Owner = o.To
		return keep(fx, in, key, h, false)
	case "share":
		h.With = o.To
		return keep(fx, in, key, h, false)
	case domain.Observe, domain.Equivocate:
		h.Seen++
		return keep(fx, in, key, h, false)
	case "Release":
		move(escrow, domain.PartyAccount(h.Owner), h.Amount)
		fx.Watches = []domain.Watch{{Subject: in.Command.Contract}}
		return keep(fx, in, key, h, true)
	case "close":
		move(escrow, domain.PartyAccount(h.Owner), h.Amount)
		fx.Deadlines = []domain.Deadline{{Contract: in.Command.Contract, Name: "Release"}}
		fx.Watches = []domain.Watch{{Subject: in.Command.Contract}}
		return keep(fx, in, key, h, true)
	case "tick", "Tick": // asks at once, again and again
		fx.Deadlines = []domain.Deadline{{At: in.Now, Contract: in.Command.Contract, Name: "Tick"}}
		return tell(fx, in, key)
	case "reopen":
		return keep(fx, in, key, h, false) // a key used again: a bug that stops the engine
	case "break":
		return keep(fx, in, key, h, true) // final with money inside: a bug that stops the engine
	}
	return accounting(v, in, o)
}

func keep(fx domain.Effects, in domain.Input, key string, h hold, final bool) (domain.Effects, error) {
	status := "open"
	if final {
		status = "released"
	}
	w, err := domain.Put(key, h, status, h.Owner, h.With)
	if err != nil {
		return fx, err
	}
	w.Final, w.HeldFor = final, h.Owner
	fx.Writes = append(fx.Writes, w)
	return tell(fx, in, key, h.Owner, h.With)
}

func tell(fx domain.Effects, in domain.Input, key string, parties ...domain.PartyID) (domain.Effects, error) {
	event, err := domain.NewEvent("Did", key, map[string]string{"name": in.Command.Name}, parties...)
	fx.Events = append(fx.Events, event)
	return fx, err
}

// Show gives the raw fields.
func (Till) Show(_ string, body []byte, _ domain.PartyID) (any, error) { return canon.ToJSON(body) }
