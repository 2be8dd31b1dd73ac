package ledger

import (
	"errors"
	"math"
	"slices"

	"aval/domain"
)

// PastRecord is a record as it stood at one moment.
type PastRecord struct {
	ID     domain.RecordID `json:"id"`
	Kind   domain.Kind     `json:"kind"`
	Status string          `json:"status"`
	Final  bool            `json:"final"`
	// To is one more than the index of the last entry that counts.
	To uint64 `json:"to"`
	// Written is the index of the entry that wrote the record last, WrittenAt its time.
	Written   uint64        `json:"written"`
	WrittenAt domain.Millis `json:"writtenAt"`
	// Fields are the viewer's own. They are nil for a record that was written again later: the
	// log keeps what happened to a record, not each of its bodies.
	Fields any `json:"fields,omitempty"`
	// Parties are those of a RecordView.
	Parties []domain.PartyID `json:"-"`
}

// RecordAt shows a record as of a moment: its status, and its fields if it was not written
// since. NotFound if the viewer may not see it, or had not heard of it then.
func (e *Engine) RecordAt(viewer domain.PartyID, id domain.RecordID, asOf Moment) (PastRecord, error) {
	b := e.books() // before the record, so that this is not older
	now, err := e.Record(viewer, id)
	if err != nil {
		return PastRecord{}, err
	}
	v := PastRecord{ID: now.ID, Kind: now.Kind, Parties: now.Parties}
	if v.To, err = b.through(asOf); err != nil {
		return PastRecord{}, err
	}
	kind, key, err := id.Split()
	if err != nil {
		return PastRecord{}, errNotFound()
	}
	tag := b.vault.tag(recordName(kind, key))
	if err := b.lastWrite(&v, tag, key); err != nil {
		return PastRecord{}, err
	}
	if !e.Audits(viewer) {
		if err := b.heard(viewer, tag, key, v.To); err != nil {
			return PastRecord{}, err
		}
	}
	last, err := b.archive.RefsBefore(tag, math.MaxUint64, 1)
	if err == nil && len(last) == 1 && last[0] == v.Written {
		v.Fields = now.Fields
	}
	return v, err
}

// lastWrite finds the entry that wrote the record last.
func (b books) lastWrite(v *PastRecord, tag []byte, key string) error {
	last, err := b.archive.RefsBefore(tag, v.To, 1)
	if err != nil {
		return err
	}
	if len(last) == 0 {
		return errNotFound()
	}
	en, err := b.entryAt(last[0])
	if err != nil {
		return err
	}
	for _, mark := range en.Records {
		if mark.Key == key {
			v.Written, v.WrittenAt, v.Status, v.Final = en.Index, en.BookedAt, mark.Status, mark.Final
		}
	}
	if v.Status == "" {
		return errors.New("a record is filed under an entry that did not write it: the store was changed")
	}
	return nil
}

// heard is nil if something about the record was said to the viewer in an entry before an
// index. Who became its party later learns nothing of the time before.
func (b books) heard(viewer domain.PartyID, tag []byte, key string, before uint64) error {
	heard, from := false, uint64(0)
	for scanned := 0; scanned < maxScanned; scanned += MaxPage {
		indexes, err := b.archive.Refs(tag, from, MaxPage)
		if err != nil {
			return err
		}
		err = b.visit(indexes, func(en *entry) error {
			from = en.Index + 1
			if en.Index >= before {
				return errEnough
			}
			heard = en.Sender == viewer || slices.ContainsFunc(en.Events, func(event domain.Event) bool {
				return event.Key == key && slices.Contains(event.Parties, viewer)
			})
			if heard {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if heard {
			return nil
		}
		if err != nil || len(indexes) < MaxPage {
			return errNotFound()
		}
	}
	return domain.Refuse(domain.LimitExceeded, "asOf: nothing about the record was said to you in its first %d entries", maxScanned)
}
