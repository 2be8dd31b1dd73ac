package ledger

import (
	"cmp"
	"slices"
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// What stands here gives the bytes of canon.Marshal without its reflection: every entry
// passes through it. Members come in the order of their encoded names, shorter names first.

// encode gives the whole entry. Its postings come encoded.
func (e *entry) encode() ([]byte, error) {
	var w canon.Writer
	w.Grow(e.sizeHint())
	w.Map(15 + min(len(e.Records), 1) + min(len(e.Balances), 1) + min(len(e.Private), 1))
	w.Name("id")
	w.Text(e.ID)
	w.Name("raw")
	w.Bytes(e.Raw)
	w.Name("code")
	w.Text(string(e.Code))
	w.Name("kind")
	w.Text(string(e.Kind))
	w.Name("name")
	w.Text(e.Name)
	w.Name("index")
	w.Uint(e.Index)
	w.Name("detail")
	w.Text(e.Detail)
	w.Name("events")
	encodeEvents(&w, e.Events)
	w.Name("format")
	w.Text(e.Format)
	w.Name("sender")
	w.Text(string(e.Sender))
	encodePrivate(&w, e.Private)
	encodeRecords(&w, e.Records)
	if len(e.Balances) > 0 {
		w.Name("balances")
		w.Array(len(e.Balances))
	}
	for _, b := range e.Balances {
		b.encode(&w)
	}
	w.Name("bookedAt")
	w.Int(int64(e.BookedAt))
	w.Name("contract")
	w.Text(e.Contract)
	w.Name("postings")
	if e.Postings == nil {
		w.Null()
	} else {
		w.Array(len(e.Postings))
	}
	for _, p := range e.Postings {
		encodePosting(&w, DisclosedPosting{Posting: p})
	}
	w.Name("sequence")
	w.Uint(e.Sequence)
	w.Name("fingerprint")
	w.Bytes(e.Fingerprint)
	return w.Finish()
}

func (l leaf) encode() ([]byte, error) {
	var w canon.Writer
	w.Grow(64)
	w.Map(4)
	w.Name("t")
	w.Text(l.Type)
	w.Name("v")
	w.Int(int64(l.Version))
	w.Name("seq")
	w.Uint(l.Sequence)
	w.Name("root")
	w.Bytes(l.Root)
	return w.Finish()
}

func encodeEvents(w *canon.Writer, events []domain.Event) {
	if events == nil {
		w.Null()
		return
	}
	w.Array(len(events))
	for _, event := range events {
		w.Map(4)
		w.Name("key")
		w.Text(event.Key)
		w.Name("body")
		w.Bytes(event.Body)
		w.Name("name")
		w.Text(event.Name)
		w.Name("parties")
		if event.Parties == nil {
			w.Null()
			continue
		}
		w.Array(len(event.Parties))
		for _, party := range event.Parties {
			w.Text(string(party))
		}
	}
}

// sizeHint is a little more than the entry's bytes: to grow on the way would copy them.
func (e *entry) sizeHint() int {
	size := 384 + len(e.Raw) + len(e.Detail)
	for _, event := range e.Events {
		size += 96 + len(event.Key) + len(event.Body) + 16*len(event.Parties)
	}
	for _, r := range e.Records {
		size += 32 + len(r.Key) + len(r.Status)
	}
	for _, item := range e.Private {
		size += 160 + 50*len(item.Readers)
	}
	return size + 176*len(e.Postings) + 64*len(e.Balances)
}

func encodeRecords(w *canon.Writer, records []recordMark) {
	if len(records) > 0 {
		w.Name("records")
		w.Array(len(records))
	}
	for _, r := range records {
		members := 2
		if r.Final {
			members++
		}
		w.Map(members)
		w.Name("key")
		w.Text(r.Key)
		if r.Final {
			w.Name("final")
			w.True()
		}
		w.Name("status")
		w.Text(r.Status)
	}
}

func encodePrivate(w *canon.Writer, items []domain.Private) {
	if len(items) > 0 {
		w.Name("private")
		w.Array(len(items))
	}
	for _, item := range items {
		w.Map(2 + min(len(item.Readers), 1))
		w.Name("digest")
		w.Text(item.Digest)
		if len(item.Readers) > 0 {
			w.Name("readers")
			w.Array(len(item.Readers))
		}
		for _, reader := range item.Readers {
			w.Text(string(reader))
		}
		w.Name("subject")
		w.Text(string(item.Subject))
	}
}

func encodePrivateDigest(w *canon.Writer, p domain.PrivateDigest) {
	w.Map(2)
	w.Name("digest")
	w.Text(p.Digest)
	w.Name("subject")
	w.Text(string(p.Subject))
}

func (b AccountBalances) encode(w *canon.Writer) {
	w.Map(2)
	w.Name("minor")
	encodeMinor(w, b.Minor)
	w.Name("account")
	w.Text(string(b.Account))
}

func encodeMinor(w *canon.Writer, minor map[domain.Currency]int64) {
	if minor == nil {
		w.Null()
		return
	}
	var room [4]domain.Currency
	currencies := room[:0]
	for c := range minor { //tidy:ordered sorted below
		currencies = append(currencies, c)
	}
	slices.SortFunc(currencies, func(a, b domain.Currency) int { return cmp.Or(len(a)-len(b), strings.Compare(string(a), string(b))) })
	w.Map(len(currencies))
	for _, c := range currencies {
		w.Text(string(c))
		w.Int(minor[c])
	}
}

// encodePosting leaves out what is zero.
func encodePosting(w *canon.Writer, p DisclosedPosting) {
	members := 4
	for _, more := range []bool{p.Cause != 0, p.Number != 0, p.Reverses != nil, p.ValueDate != ""} {
		if more {
			members++
		}
	}
	w.Map(members)
	if p.Cause != 0 {
		w.Name("cause")
		w.Int(int64(p.Cause))
	}
	w.Name("debit")
	w.Text(string(p.Debit))
	w.Name("amount")
	w.Map(2)
	w.Name("minor")
	w.Int(p.Amount.Minor)
	w.Name("currency")
	w.Text(string(p.Amount.Currency))
	w.Name("credit")
	w.Text(string(p.Credit))
	if p.Number != 0 {
		w.Name("number")
		w.Int(int64(p.Number))
	}
	w.Name("purpose")
	w.Text(p.Purpose)
	if p.Reverses != nil {
		w.Name("reverses")
		w.Map(2)
		w.Name("index")
		w.Uint(p.Reverses.Index)
		w.Name("number")
		w.Int(int64(p.Reverses.Number))
	}
	if p.ValueDate != "" {
		w.Name("valueDate")
		w.Text(string(p.ValueDate))
	}
}

// headerValue, commandValue, senderValue and eventValue are the values of fields, as they are decoded.
type headerValue struct {
	Viewer   domain.PartyID `json:"viewer"`
	Index    uint64         `json:"index"`
	Sequence uint64         `json:"sequence"`
	BookedAt domain.Millis  `json:"bookedAt"`
	Code     domain.Code    `json:"code"`
}

func (h headerValue) encode(w *canon.Writer) {
	w.Map(5)
	w.Name("code")
	w.Text(string(h.Code))
	w.Name("index")
	w.Uint(h.Index)
	w.Name("viewer")
	w.Text(string(h.Viewer))
	w.Name("bookedAt")
	w.Int(int64(h.BookedAt))
	w.Name("sequence")
	w.Uint(h.Sequence)
}

type commandValue struct {
	Kind     domain.Kind `json:"kind"`
	Contract string      `json:"contract"`
	Name     string      `json:"name"`
}

func (c commandValue) encode(w *canon.Writer) {
	w.Map(3)
	w.Name("kind")
	w.Text(string(c.Kind))
	w.Name("name")
	w.Text(c.Name)
	w.Name("contract")
	w.Text(c.Contract)
}

type senderValue struct {
	ID          string `json:"id"`
	Detail      string `json:"detail"`
	Fingerprint []byte `json:"fingerprint"`
}

func (s senderValue) encode(w *canon.Writer) {
	w.Map(3)
	w.Name("id")
	w.Text(s.ID)
	w.Name("detail")
	w.Text(s.Detail)
	w.Name("fingerprint")
	w.Bytes(s.Fingerprint)
}

// eventValue has a body only if that is not split into fields.
type eventValue struct {
	Name string `json:"name"`
	Key  string `json:"key"`
	Body []byte `json:"body,omitempty"`
}

func (v eventValue) encode(w *canon.Writer) {
	w.Map(2 + min(len(v.Body), 1))
	w.Name("key")
	w.Text(v.Key)
	if len(v.Body) > 0 {
		w.Name("body")
		w.Bytes(v.Body)
	}
	w.Name("name")
	w.Text(v.Name)
}
