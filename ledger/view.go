package ledger

import (
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// History answers from the log before the batch what memory does not hold: it is a pure
// function of the committed batches, so execution that asks it stays replayable.
type History interface {
	// Closed says whether a record of that key became final.
	Closed(kind domain.Kind, key string) bool
	// Seen finds the entry of a submission's identity and whether its content was the same.
	Seen(id string, fingerprint []byte) (index uint64, same, found bool)
	// Posting finds a posting of an entry before the batch. It may find those of later entries too:
	// what is executed again has all of the log behind it. Execution asks through earlier alone.
	Posting(ref domain.PostingRef) (p domain.Posting, found bool)
}

// view is a contract's sight of the state, before its own command.
type view struct {
	state   *State
	history History
	// base is the first index of the batch: what comes before it is past.
	base   uint64
	kind   domain.Kind
	sender domain.PartyID
	// reads counts the postings that were looked up.
	reads int
}

func (v *view) Get(key string) ([]byte, bool) {
	s, ok := v.state.slots.Get(recordName(v.kind, key))
	if !ok {
		return nil, false
	}
	return s.Body, true
}

func (v *view) Closed(key string) bool {
	if _, ok := v.state.closed[recordName(v.kind, key)]; ok {
		return true
	}
	return v.history.Closed(v.kind, key)
}

func (v *view) Scan(prefix, after string, limit int) []domain.Record {
	limit = min(limit, domain.MaxScan)
	if limit <= 0 {
		return nil
	}
	base := string(recordSlot) + " " + string(v.kind) + " "
	var found []domain.Record
	start := ""
	if after != "" {
		start = base + after + " "
	}
	v.state.scan(base+prefix, start, func(s *slot) bool {
		found = append(found, domain.Record{Key: s.Key, Body: s.Body})
		return len(found) < limit
	})
	return found
}

func (v *view) Available(account domain.AccountID, c domain.Currency) int64 {
	if account.HeldBy(v.kind) || v.sender != "" && account == domain.PartyAccount(v.sender) {
		return v.state.balance(account, c)
	}
	return 0
}

func (v *view) Posting(ref domain.PostingRef) (domain.Posting, bool) {
	v.reads++
	if v.reads > domain.MaxPostingReads {
		return domain.Posting{}, false
	}
	p, found := earlier(v.history, v.base, ref)
	if !found || !v.mayRead(p.Debit) && !v.mayRead(p.Credit) {
		return domain.Posting{}, false
	}
	return p, true
}

// earlier finds a posting of an entry before base.
func earlier(h History, base uint64, ref domain.PostingRef) (domain.Posting, bool) {
	if ref.Index >= base {
		return domain.Posting{}, false
	}
	return h.Posting(ref)
}

// mayRead says whether the account is the sender's or the kind's.
func (v *view) mayRead(account domain.AccountID) bool {
	return account.HeldBy(v.kind) || v.sender != "" && account.Owner() == v.sender
}

// registry reads parties, keys, devices and sources from the records of governance.
type registry struct{ state *State }

func lookup[T any](r registry, key string) (found T, ok bool) {
	s, ok := r.state.slots.Get(recordName(domain.GovernanceKind, key))
	if !ok {
		return found, false
	}
	found, ok = s.registered.(T)
	return found, ok
}

// registered decodes a registry record once, when it enters the state. A body that does not
// decode was written by a broken governance kind; nobody is registered by it.
func registered(key string, body []byte) any {
	class, _, _ := strings.Cut(key, "/")
	switch class {
	case "party":
		return decoded[domain.Party](body)
	case "key":
		return decoded[domain.Key](body)
	case "device":
		return decoded[domain.Device](body)
	case "source":
		return decoded[domain.Source](body)
	case "epoch":
		return decoded[domain.LedgerEpoch](body)
	case "recovery":
		return decoded[domain.Recovery](body)
	case "measurement":
		return decoded[domain.Measurement](body)
	case "grant":
		return decoded[domain.Grant](body)
	case "limits":
		return decoded[domain.Limits](body)
	case "constitution":
		return decoded[domain.Constitution](body)
	case "approval":
		return decoded[domain.Approval](body)
	case "opening":
		return decoded[domain.Opening](body)
	}
	return nil
}

func decoded[T any](body []byte) any {
	var v T
	if canon.Unmarshal(body, &v) != nil {
		return nil
	}
	return v
}

func (r registry) Party(id domain.PartyID) (domain.Party, bool) {
	return lookup[domain.Party](r, "party/"+string(id))
}
func (r registry) Key(id string) (domain.Key, bool) { return lookup[domain.Key](r, "key/"+id) }
func (r registry) Device(id string) (domain.Device, bool) {
	return lookup[domain.Device](r, "device/"+id)
}
func (r registry) Source(id string) (domain.Source, bool) {
	return lookup[domain.Source](r, "source/"+id)
}

func (r registry) Approved(kind domain.Kind, contract string, offered domain.Millis) bool {
	constitution, _ := lookup[domain.Constitution](r, "constitution/current")
	approval, _ := lookup[domain.Approval](r, "approval/"+string(kind)+"/"+contract)
	return constitution.AllowsSale(approval, offered)
}
