package ledger

import (
	"encoding/hex"
	"errors"

	"aval/domain"
)

// Record shows one record, open or final, with the viewer's own fields. NotFound otherwise.
func (e *Engine) Record(viewer domain.PartyID, id domain.RecordID) (RecordView, error) {
	kind, key, err := id.Split()
	if err != nil {
		return RecordView{}, errNotFound()
	}
	now := e.published.Load()
	sight := now.sight(viewer)
	found, _ := now.state.slots.Get(recordName(kind, key))
	eyes, ok := sight.sees(found)
	if !ok { // the same look into the store for what is not there, closed, or not the viewer's
		err = e.store.look(e.vault.tag(recordName(kind, key)), e.opening(func(_ []byte, s *slot) error {
			found = now.current(s)
			return nil
		}))
		eyes, ok = sight.sees(found)
	}
	if err != nil {
		return RecordView{}, err
	}
	if !ok {
		return RecordView{}, errNotFound()
	}
	return e.show(found, eyes)
}

// current is what readers may see of a stored record: an open one comes from memory, where
// the state digest vouches for it and nothing is newer than the signed head. Nil if it is
// not to be seen yet.
func (p *published) current(stored *slot) *slot {
	if s, open := p.state.slots.Get(stored.name()); open {
		return s
	}
	if !stored.Final || stored.Type != recordSlot {
		return nil
	}
	return stored
}

// show gives the fields that the eyes see, with "" all of them.
func (e *Engine) show(s *slot, eyes domain.PartyID) (RecordView, error) {
	v := RecordView{ID: domain.NewRecordID(s.Kind, s.Key), Kind: s.Kind, Status: s.Status, Final: s.Final, Parties: s.Parties}
	contract, ok := e.kinds[s.Kind]
	if !ok {
		return v, errors.New("kind of a stored record is not built in")
	}
	var err error
	v.Fields, err = contract.Show(s.Key, s.Body, eyes)
	return v, err
}

func (e *Engine) visitRecords(q SlotQuery, visit func(tag []byte, s *slot) error) error {
	return e.store.Slots(q, e.opening(visit))
}

// opening opens each slot for a visitor.
func (e *Engine) opening(visit func(tag []byte, s *slot) error) func(StoredSlot) error {
	return func(stored StoredSlot) error {
		s, _, err := e.vault.openSlot(nil, stored)
		if err != nil {
			return err
		}
		return visit(stored.Tag, s)
	}
}

// maxScanned bounds the records that one page looks at for those of the status asked for.
const maxScanned = 10 * MaxPage

// Records lists the records that the viewer may see, open and final, in a stable order that
// means nothing. A page may be short, even empty, and still have a Next.
func (e *Engine) Records(viewer domain.PartyID, f RecordFilter) (RecordPage, error) {
	page := RecordPage{Records: []RecordView{}}
	limit, err := pageLimit(f.Limit)
	if err != nil {
		return page, err
	}
	after, err := hex.DecodeString(f.Cursor)
	if err != nil || len(after) > 32 || viewer == "" {
		return page, domain.Refuse(domain.Malformed, "cursor is not one that a page gave")
	}
	now := e.published.Load()
	sight := now.sight(viewer)
	q := SlotQuery{Member: e.vault.tag(sight.list(f.Kind)), After: after, Limit: limit}
	for scanned := 0; len(page.Records) < limit; scanned += limit {
		if scanned >= maxScanned {
			page.Next = hex.EncodeToString(q.After)
			break
		}
		seen := 0
		err := e.visitRecords(q, func(tag []byte, s *slot) error {
			seen++
			q.After = tag
			s = now.current(s)
			eyes, ok := sight.sees(s)
			if len(page.Records) == limit || !ok || f.Status != "" && s.Status != f.Status {
				return nil
			}
			v, err := e.show(s, eyes)
			page.Records = append(page.Records, v)
			page.Next = hex.EncodeToString(tag)
			return err
		})
		if err != nil {
			return page, err
		}
		if seen < q.Limit {
			page.Next = ""
			break
		}
	}
	return page, nil
}
