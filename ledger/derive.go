package ledger

import (
	"errors"

	"aval/domain"
)

// DeriveRecord shows a record as it stood when the batch of a moment ended, with all its fields:
// it executes the stored log again from its first entry, and checks on the way that every batch
// comes out as it was sealed. It tells progress how many leaves are done. NotFound for a record that
// was not written by then; other errors are *Fault, or failures to read.
func DeriveRecord(keys *Keys, archive Archive, contracts []domain.Contract, codecs []domain.Codec,
	id domain.RecordID, asOf Moment, progress func(Progress)) (PastRecord, error) {
	b, err := openBooks(keys, archive)
	if err != nil {
		return PastRecord{}, err
	}
	kind, key, err := id.Split()
	if err != nil {
		return PastRecord{}, err
	}
	d := derivation{audit: newAudit(keys, b.vault, archive, contracts, codecs), name: recordName(kind, key), progress: progress}
	if err := d.run(b, asOf); err != nil {
		return PastRecord{}, err
	}
	return d.show(kind, key)
}

// derivation is an audit that stops at a moment. It keeps the record of a name, if it is given one.
type derivation struct {
	*audit
	name     string
	to, next uint64
	progress func(Progress)
	// record is what was written last, by entry written.
	record  *slot
	written *entry
}

// run executes the log again through the moment.
func (d *derivation) run(b books, asOf Moment) (err error) {
	if d.to, err = b.through(asOf); err != nil {
		return err
	}
	if err := batches(b.archive, 0, b.head.Size, d.batch); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// batch executes one batch again. Only its entries, leaves and seal are compared: what the
// tables hold reflects the present.
func (d *derivation) batch(stored []StoredEntry, closing StoredEntry) error {
	if d.next >= d.to {
		return errEnough
	}
	r, err := d.again(d.vault, d.state, d, d.last, stored, closing)
	if err == nil && d.err != nil {
		err = &Fault{stored[0].Index, d.err}
	}
	if err != nil {
		return err
	}
	d.last, d.next = r.closing, closing.Index+1
	d.note(r.entries, r.changes)
	d.keep(r)
	d.progress(Progress{Leaves: d.next, Of: d.to})
	return nil
}

func (d *derivation) keep(r *replayed) {
	for _, c := range r.changes {
		if c.slot.name() == d.name {
			d.record = c.slot
		}
	}
	for _, en := range r.entries {
		for _, mark := range en.Records {
			if recordName(en.Kind, mark.Key) == d.name {
				d.written = en
			}
		}
	}
}

func (d *derivation) show(kind domain.Kind, key string) (PastRecord, error) {
	if d.record == nil || d.written == nil {
		return PastRecord{}, errNotFound()
	}
	v := PastRecord{
		ID: domain.NewRecordID(kind, key), Kind: kind, Status: d.record.Status, Final: d.record.Final, To: d.next,
		Written: d.written.Index, WrittenAt: d.written.BookedAt,
	}
	var err error
	v.Fields, err = d.kinds[kind].Show(key, d.record.Body, "")
	return v, err
}
