package ledger

import (
	"fmt"

	"aval/domain"
)

// DisclosedPosting is one posting of an entry as a receipt discloses it. Its Cause counts the
// disclosed events, not those of the entry: who sees a posting sees the event that caused it.
type DisclosedPosting struct {
	// Number is the posting's place in its entry, from zero: what a PostingRef names.
	Number int `json:"number,omitempty"`
	domain.Posting
}

// PostingView is one posting for reading, whole in itself.
type PostingView struct {
	Number  int              `json:"number"`
	Debit   domain.AccountID `json:"debit"`
	Credit  domain.AccountID `json:"credit"`
	Amount  domain.Money     `json:"amount"`
	Purpose string           `json:"purpose"`
	// ValueDate is the day of booking where the command set no other.
	ValueDate domain.Date        `json:"valueDate"`
	Reverses  *domain.PostingRef `json:"reverses,omitempty"`
	Cause     Cause              `json:"cause"`
}

// Cause is the event that made money move.
type Cause struct {
	Kind   domain.Kind     `json:"kind"`
	Record domain.RecordID `json:"record"`
	Event  string          `json:"event"`
	// Index is the log entry of the event.
	Index uint64 `json:"index"`
}

// Posting shows one of the disclosed postings with its cause spelt out, as far as that is
// shown. It fails when the cause is not among the events of the view: then the disclosure
// contradicts itself.
func (d Disclosure) Posting(p DisclosedPosting) (PostingView, error) {
	var cause domain.Event
	switch {
	case p.Cause >= 0 && p.Cause < len(d.Events):
		cause = d.Events[p.Cause]
	case p.Cause < 0 || d.Hidden == 0:
		return PostingView{}, fmt.Errorf("posting %d of entry %d is caused by event %d of %d", p.Number, d.Index, p.Cause, len(d.Events))
	}
	v := PostingView{
		Number: p.Number, Debit: p.Debit, Credit: p.Credit, Amount: p.Amount, Purpose: p.Purpose, ValueDate: p.ValueDate, Reverses: p.Reverses,
		Cause: Cause{Kind: d.Kind, Event: cause.Name, Index: d.Index},
	}
	if d.Kind != "" && cause.Key != "" {
		v.Cause.Record = domain.NewRecordID(d.Kind, cause.Key)
	}
	if v.ValueDate == "" {
		v.ValueDate = domain.Day(d.BookedAt)
	}
	return v, nil
}
