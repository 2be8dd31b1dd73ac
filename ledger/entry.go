package ledger

import (
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// entry is the whole truth about one step of the ledger: what came in, byte for byte, and
// what came of it. Its canonical bytes are sealed on disk and committed to in the leaf.
type entry struct {
	Index       uint64           `json:"index"`
	Sequence    uint64           `json:"sequence"`
	BookedAt    domain.Millis    `json:"bookedAt"`
	Format      string           `json:"format"`
	Raw         []byte           `json:"raw"`
	Fingerprint []byte           `json:"fingerprint"`
	ID          string           `json:"id"`
	Sender      domain.PartyID   `json:"sender"`
	Kind        domain.Kind      `json:"kind"`
	Contract    string           `json:"contract"`
	Name        string           `json:"name"`
	Code        domain.Code      `json:"code"`
	Detail      string           `json:"detail"`
	Events      []domain.Event   `json:"events"`
	Postings    []domain.Posting `json:"postings"`
	// Balances are those of the accounts that the postings touch, after all of them, in order of account.
	Balances []AccountBalances `json:"balances,omitempty"`
	// Records says what became of the records that were written, in order of writing.
	Records []recordMark `json:"records,omitempty"`
	// Private are the items of a command that was accepted; none if it was refused.
	Private []domain.Private `json:"private,omitempty"`

	// identity indexes the entry; it is not part of its bytes.
	identity string
}

// AccountBalances are all balances of one account at one index, in minor units, credits minus
// debits. A currency that is not named stands at zero.
type AccountBalances struct {
	Account domain.AccountID          `json:"account"`
	Minor   map[domain.Currency]int64 `json:"minor"`
}

// recordMark is the status of a record after it was written.
type recordMark struct {
	Key    string `json:"key"`
	Status string `json:"status"`
	Final  bool   `json:"final,omitempty"`
}

// maxDetail bounds the sentence of a refusal, in bytes.
const maxDetail = 1000

// refuse records a rejection as the entry's result. A contract's sentence may quote what it
// was sent: whatever it holds, it must not make the entry impossible to encode.
func (e *entry) refuse(r *domain.Rejection) {
	e.Code, e.Detail = r.Code, strings.ToValidUTF8(r.Detail[:min(len(r.Detail), maxDetail)], "?")
}

// Disclosure is what a receipt shows one party of one entry, or, in a receipt made by
// Disclose, what that party chose to show of it.
type Disclosure struct {
	// Viewer is the party it was made for; empty for auditors, who see the whole entry.
	Viewer   domain.PartyID
	Index    uint64
	Sequence uint64
	BookedAt domain.Millis
	Kind     domain.Kind
	Contract string
	Name     string
	// Code is empty for success. ID, Detail and Fingerprint (of the signed bytes) are shown to the sender only.
	Code        domain.Code
	Detail      string
	ID          string
	Fingerprint []byte
	// Events shown in part have only the members shown in their bodies; one that is not shown
	// at all is the zero Event, so that the others keep their numbers.
	Events   []domain.Event
	Postings []DisclosedPosting
	// Balances are those of the viewer's own accounts that the postings touch, after all of them.
	Balances []AccountBalances
	// Private are the items that name the viewer, or all of them to the sender.
	Private []domain.PrivateDigest
	// Fields are what the above was read from, in their order; none in a receipt without disclosure.
	Fields []Field
	// Hidden counts the fields of the view that the receipt commits to and does not show.
	Hidden int
}

// Field is one field of a view: its path, like "events/0/amount", and its value in canonical CBOR.
type Field struct {
	Path  string
	Value []byte
}

// disclose is what the party may see: events that name it, postings on its own accounts.
func (e *entry) disclose(viewer domain.PartyID) Disclosure {
	d := Disclosure{
		Viewer: viewer, Index: e.Index, Sequence: e.Sequence, BookedAt: e.BookedAt, Kind: e.Kind, Contract: e.Contract,
		Name: e.Name, Code: e.Code,
	}
	if viewer == e.Sender {
		d.ID, d.Detail, d.Fingerprint = e.ID, e.Detail, e.Fingerprint
	}
	numbers := make([]int, len(e.Events)) // of the events, as the viewer counts them
	for i, event := range e.Events {
		if slices.Contains(event.Parties, viewer) {
			event.Parties = []domain.PartyID{viewer} // who else sees it is not the viewer's to know
			numbers[i] = len(d.Events)
			d.Events = append(d.Events, event)
		}
	}
	for i, p := range e.Postings {
		if p.Debit.Owner() == viewer || p.Credit.Owner() == viewer {
			p.Cause = numbers[p.Cause]
			d.Postings = append(d.Postings, DisclosedPosting{i, p})
		}
	}
	for _, b := range e.Balances {
		if b.Account.Owner() == viewer {
			d.Balances = append(d.Balances, b)
		}
	}
	for _, item := range e.Private {
		if item.ReadBy(viewer, e.Sender) {
			d.Private = append(d.Private, digestOf(item))
		}
	}
	return d
}

func digestOf(item domain.Private) domain.PrivateDigest {
	return domain.PrivateDigest{Subject: item.Subject, Digest: item.Digest}
}

// view renders a disclosure for reading.
func (d Disclosure) view() (EntryView, error) {
	v := EntryView{
		Index: d.Index, Sequence: d.Sequence, BookedAt: d.BookedAt, Kind: d.Kind, Contract: d.Contract, Name: d.Name,
		Code: d.Code, Detail: d.Detail, Private: d.Private,
	}
	for _, event := range d.Events {
		body, err := canon.ToJSON(event.Body)
		if err != nil {
			return v, err
		}
		v.Events = append(v.Events, EventView{Name: event.Name, Record: domain.NewRecordID(d.Kind, event.Key), Body: body})
	}
	for _, p := range d.Postings {
		shown, err := d.Posting(p)
		if err != nil {
			return v, err
		}
		v.Postings = append(v.Postings, shown)
	}
	return v, nil
}

// audit is the disclosure of everything, for auditors.
func (e *entry) audit() Disclosure {
	d := Disclosure{
		Index: e.Index, Sequence: e.Sequence, BookedAt: e.BookedAt, Kind: e.Kind, Contract: e.Contract, Name: e.Name,
		Code: e.Code, Detail: e.Detail, ID: e.ID, Fingerprint: e.Fingerprint, Events: e.Events, Balances: e.Balances,
	}
	for i, p := range e.Postings {
		d.Postings = append(d.Postings, DisclosedPosting{i, p})
	}
	for _, item := range e.Private {
		d.Private = append(d.Private, digestOf(item))
	}
	return d
}
