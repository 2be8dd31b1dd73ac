package ledger

import (
	"encoding/hex"
	"errors"
	"slices"

	"aval/domain"
)

// Record shows one record, open or final, with the viewer's own fields. NotFound otherwise.
func (e *Engine) Record(viewer domain.PartyID, id domain.RecordID) (RecordView, error) {
	kind, key, err := id.Split()
	if err != nil {
		return RecordView{}, errNotFound()
	}
	now := e.published.Load()
	found, open := now.state.slots.Get(recordName(kind, key))
	if !open {
		err = e.visitRecords(SlotQuery{Tag: e.vault.tag(recordName(kind, key))}, func(_ []byte, s *slot) error {
			found = now.current(s)
			return nil
		})
	}
	if err != nil {
		return RecordView{}, err
	}
	all := e.auditor(viewer)
	if found == nil || viewer == "" || !all && !slices.Contains(found.Parties, viewer) {
		return RecordView{}, errNotFound()
	}
	return e.show(found, viewer, all)
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

func (e *Engine) show(s *slot, viewer domain.PartyID, all bool) (RecordView, error) {
	if all {
		viewer = ""
	}
	v := RecordView{ID: domain.NewRecordID(s.Kind, s.Key), Kind: s.Kind, Status: s.Status, Final: s.Final}
	contract, ok := e.kinds[s.Kind]
	if !ok {
		return v, errors.New("kind of a stored record is not built in")
	}
	var err error
	v.Fields, err = contract.Show(s.Key, s.Body, viewer)
	return v, err
}

func (e *Engine) visitRecords(q SlotQuery, visit func(tag []byte, s *slot) error) error {
	return e.store.Slots(q, func(stored StoredSlot) error {
		s, _, err := e.vault.openSlot(nil, stored)
		if err != nil {
			return err
		}
		return visit(stored.Tag, s)
	})
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
	now, all, list := e.published.Load(), e.auditor(viewer), viewer
	if all {
		list = ""
	}
	q := SlotQuery{Member: e.vault.tag(memberName(list, f.Kind)), After: after, Limit: limit}
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
			if len(page.Records) == limit || s == nil || f.Status != "" && s.Status != f.Status || !all && !slices.Contains(s.Parties, viewer) {
				return nil
			}
			v, err := e.show(s, viewer, all)
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
