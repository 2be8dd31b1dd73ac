package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"aval/domain"
)

// Advice says where in which bank message a word stood. One word counts once.
type Advice struct {
	// Message is the MsgId of the bank's message, Entry the path of the word in it, Hash the SHA-256 of the message.
	Message string `json:"message"`
	Entry   string `json:"entry"`
	Hash    string `json:"hash,omitempty"`
	// Attempt and EndToEndID are the payment's that the word is about: those of PaymentID.
	Attempt    int    `json:"attempt"`
	EndToEndID string `json:"endToEndId"`
	// Reason is the bank's code, as "AC04", and Text its words; empty for none.
	Reason string `json:"reason,omitempty"`
	Text   string `json:"text,omitempty"`
}

// maxEntry bounds the path of a word in a message, in bytes.
const maxEntry = 100

func (a Advice) place() *Place { return &Place{a.Message, a.Entry} }

func (a Advice) check() error {
	if err := checkText("message", a.Message, 1); err != nil {
		return err
	}
	if err := checkText("reason", a.Reason, 0); err != nil {
		return err
	}
	if err := checkText("text", a.Text, 0); err != nil {
		return err
	}
	if a.Entry == "" || len(a.Entry) > maxEntry {
		return domain.Refuse(domain.Malformed, "entry: %d bytes, want 1 to %d", len(a.Entry), maxEntry)
	}
	return checkHash(a.Hash)
}

// Name identifies the word by message and entry, at one bank: that of the exception which it opens.
func (a Advice) Name(bank domain.PartyID) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s%s", bank, len(a.Message), a.Message, a.Entry))
	return hex.EncodeToString(sum[:20])
}

// take notes that the word was heard, for ever. Heard before it is refused: AlreadyExists, or IDConflict if it then stood in a message of other bytes.
func (o *order) take(a Advice) error {
	name := a.Name(o.in.Sender)
	key, same := "advice/"+name, "advice/"+name+"/"+a.Hash
	switch {
	case o.view.Closed(same):
		return domain.Refuse(domain.AlreadyExists, "that entry of that message was judged before")
	case o.view.Closed(key):
		return domain.Refuse(domain.IDConflict, "another message of the same ID was judged before")
	}
	for _, k := range []string{key, same} {
		w, err := domain.Put(k, a, "judged", o.in.Sender)
		if err != nil {
			return err
		}
		w.Final = true
		o.fx.Writes = append(o.fx.Writes, w)
	}
	return nil
}

// subject loads the redemption that a word is about, for its bank. open is false if it ended.
func (o *order) subject(a Advice) (r Redemption, open bool, err error) {
	id := o.in.Command.Contract
	known, _ := PaymentID(o.in.Command.Ledger, o.in.Sender, id, a.Attempt)
	r, open, err = domain.Load[Redemption](o.view, redemptionKey(id))
	if err != nil {
		return r, false, err
	}
	ended := o.view.Closed(paymentKey(known)) // the pointer was made with the attempt
	if !ended || known != a.EndToEndID || open && r.Bank != o.in.Sender {
		return r, false, domain.Refuse(domain.NotFound, "no payment of that ID and attempt")
	}
	return r, open, nil
}

// Exception is the record exception/<name>, visible to bank and holder: a word of a bank that contradicts what the ledger
// knows. It moved no money. It is final when the bank has resolved it.
type Exception struct {
	Redemption string         `json:"redemption"`
	Bank       domain.PartyID `json:"bank"`
	Advice     Advice         `json:"advice"`
	Problem    string         `json:"problem"`
	Amount     domain.Money   `json:"amount"`
	Expected   domain.Money   `json:"expected"`
	OpenedAt   domain.Millis  `json:"openedAt"`
	ResolvedAt domain.Millis  `json:"resolvedAt"`
	Note       string         `json:"note"`
	Holder     domain.PartyID `json:"holder"`
}

// The problems of exceptions.
const (
	// WrongAmount: right ID, other amount or currency.
	WrongAmount = "wrong-amount"
	// PaidTwice: a second booking of one payment on one account.
	PaidTwice = "paid-twice"
	// PastAttempt: booked or settled, but the attempt was over, or the redemption ended.
	PastAttempt = "past-attempt"
	// NothingToReturn: came back, but had not left, or twice.
	NothingToReturn = "nothing-to-return"
	// RejectedLate: rejected after it had settled.
	RejectedLate = "rejected-late"
	// UnknownStatus: a status that is in no list.
	UnknownStatus = "unknown-status"
)

// The statuses of an exception.
const (
	Open     = "open"
	Resolved = "resolved"
)

func exceptionKey(name string) string { return "exception/" + name }

// except opens an exception. r may be empty, of a redemption that ended.
func (o *order) except(r Redemption, a Advice, problem string, amount domain.Money) error {
	name := a.Name(o.in.Sender)
	a.Hash = "" // the bank has it in the record of the word
	x := Exception{
		Redemption: o.in.Command.Contract, Bank: o.in.Sender, Holder: r.Holder, Advice: a, Problem: problem, Amount: amount, Expected: r.Amount, OpenedAt: o.in.Now,
	}
	if r.ID != "" {
		r.Exceptions++
		w, err := domain.Put(redemptionKey(r.ID), r, r.Status, r.Bank, r.Holder)
		if err != nil {
			return err
		}
		w.HeldFor = r.Holder
		o.fx.Writes = append(o.fx.Writes, w)
	}
	return o.tellException(name, x, "exceptionOpened")
}

func (o *order) tellException(name string, x Exception, event string) error {
	status := Open
	if x.ResolvedAt != 0 {
		status = Resolved
	}
	w, err := domain.Put(exceptionKey(name), x, status, x.Bank, x.Holder)
	if err != nil {
		return err
	}
	w.Final = x.ResolvedAt != 0
	o.fx.Writes = append(o.fx.Writes, w)
	return o.event(event, exceptionKey(name), x, x.Bank, x.Holder)
}

// resolve closes an exception at the bank's word. It moves no money: settle or refuse the redemption, or issue anew.
func (o *order) resolve() error {
	var body struct {
		Note string `json:"note"`
	}
	if err := o.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	if err := checkText("note", body.Note, 1); err != nil {
		return err
	}
	x, found, err := domain.Load[Exception](o.view, exceptionKey(o.in.Command.Contract))
	if err != nil {
		return err
	}
	if !found || o.in.Sender != x.Bank {
		return domain.Refuse(domain.NotFound, "no open exception of yours %.64s", o.in.Command.Contract)
	}
	if r, open, err := domain.Load[Redemption](o.view, redemptionKey(x.Redemption)); err != nil {
		return err
	} else if open {
		r.Exceptions--
		w, err := domain.Put(redemptionKey(r.ID), r, r.Status, r.Bank, r.Holder)
		if err != nil {
			return err
		}
		w.HeldFor = r.Holder
		o.fx.Writes = append(o.fx.Writes, w)
	}
	x.ResolvedAt, x.Note = o.in.Now, body.Note
	return o.tellException(o.in.Command.Contract, x, "exceptionResolved")
}
