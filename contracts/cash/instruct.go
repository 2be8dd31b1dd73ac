package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// Instruction is the body of instruct and the record instruction/<message>, final from the beginning and visible to the
// bank: one pain.001, so that it can be made again, byte for byte, from the ledger.
type Instruction struct {
	// Message is the MsgId: MessageID of the first payment.
	Message string `json:"message"`
	// CreatedAt is when the sender made it, at most domain.MaxCommandLifetime from the time of the ledger. ExecuteOn is its requested day.
	CreatedAt domain.Millis    `json:"createdAt"`
	ExecuteOn domain.Date      `json:"executeOn"`
	Debtor    iso20022.Account `json:"debtor"`
	// Hash is the SHA-256 of the message, in lower-case hexadecimal digits.
	Hash string `json:"hash"`
	// Payments are 1 to MaxInstruction, in the order of the message.
	Payments []PaymentRef `json:"payments"`
}

// PaymentRef names a payment of an instruction: the redemption and its attempt.
type PaymentRef struct {
	ID      string `json:"id"`
	Attempt int    `json:"attempt"`
	// Account is the number of the account that the message pays to. If another one is due by now, the instruction is refused.
	Account string `json:"account"`
}

// Pointer is the record payment/<end-to-end ID>, final from the beginning and visible to bank and holder: which attempt has that ID.
type Pointer struct {
	Redemption string `json:"redemption"`
	Attempt    int    `json:"attempt"`
	Message    string `json:"message"`
}

// Initiation is the message of an instruction: the same for ever, from the redemptions in the order of its payments.
func (i Instruction) Initiation(ledger string, bank domain.PartyID, redemptions []Redemption) iso20022.Initiation {
	m := iso20022.Initiation{MessageID: i.Message, CreatedAt: i.CreatedAt, ExecuteOn: i.ExecuteOn, Debtor: i.Debtor}
	for n, p := range i.Payments {
		r := redemptions[n]
		id, uetr := PaymentID(ledger, bank, p.ID, p.Attempt)
		t := iso20022.Transfer{EndToEndID: id, UETR: uetr, Amount: r.Amount, Creditor: r.PayTo.outside()}
		if out := r.Payout; out != nil {
			t.UltimateDebtor, t.UltimateCreditor, t.Documents = out.UltimateDebtor, out.UltimateCreditor, out.Documents
		}
		if len(t.Documents) == 0 {
			t.Note = strings.TrimSpace(strings.Map(carried, r.Reference))
		}
		m.Transfers = append(m.Transfers, t)
	}
	return m
}

// Instruct makes the message that pays these redemptions next, and the instruction to book before it is sent. Each must have its account (PayTo, by Aim).
func Instruct(ledger string, bank domain.PartyID, at domain.Millis, executeOn domain.Date, debtor iso20022.Account, redemptions []Redemption) (Instruction, []byte, error) {
	i := Instruction{CreatedAt: at, ExecuteOn: executeOn, Debtor: debtor}
	for _, r := range redemptions {
		i.Payments = append(i.Payments, PaymentRef{ID: r.ID, Attempt: r.Attempt + 1, Account: r.PayTo.Number()})
	}
	first, _ := PaymentID(ledger, bank, i.Payments[0].ID, i.Payments[0].Attempt)
	i.Message = MessageID(first)
	text, err := i.Initiation(ledger, bank, redemptions).Encode()
	i.Hash = MessageHash(text)
	return i, text, err
}

// MessageHash is the SHA-256 of a message, as Instruction and Advice carry it.
func MessageHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// outside is the account as a message names it.
func (a Account) outside() iso20022.Account {
	return iso20022.Account{Name: a.Name, Number: a.Number(), BIC: a.BIC}
}

// Number is the account's IBAN or its other number: it has one of them.
func (a Account) Number() string { return a.IBAN + a.Other }

// carried drops the two characters that a reference may hold and XML may not.
func carried(c rune) rune {
	if c == 0xfffe || c == 0xffff {
		return -1
	}
	return c
}

func instructionKey(message string) string { return "instruction/" + message }
func paymentKey(endToEndID string) string  { return "payment/" + endToEndID }

// instruct notes that the bank has made a message, before it is sent: so that after a crash the same is sent again.
func (o *order) instruct() error {
	var i Instruction
	if err := o.in.Command.DecodeBody(&i); err != nil {
		return err
	}
	if o.in.Command.Contract != string(o.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "a bank instructs under its own ID as contract")
	}
	if err := i.check(o.in); err != nil {
		return err
	}
	for n, p := range i.Payments {
		if err := o.send(i, p); err != nil {
			return domain.AtItem(n, err)
		}
	}
	w, err := domain.Put(instructionKey(i.Message), i, Instructed, o.in.Sender)
	w.Final = true
	o.fx.Writes = append(o.fx.Writes, w)
	return err
}

func (i Instruction) check(in domain.Input) error {
	if n := len(i.Payments); n < 1 || n > MaxInstruction {
		return domain.Refuse(domain.LimitExceeded, "payments: %d, want 1 to %d", n, MaxInstruction)
	}
	first, _ := PaymentID(in.Command.Ledger, in.Sender, i.Payments[0].ID, i.Payments[0].Attempt)
	if i.Message != MessageID(first) {
		return domain.Refuse(domain.InvalidTerms, "message: want the ID that follows from its first payment")
	}
	if i.CreatedAt < in.Now-domain.MaxCommandLifetime || i.CreatedAt > in.Now+domain.MaxCommandLifetime {
		return domain.Refuse(domain.InvalidTerms, "createdAt: more than %d ms from the ledger's time", domain.MaxCommandLifetime)
	}
	if err := i.ExecuteOn.Check("executeOn"); err != nil {
		return err
	}
	if err := i.ExecuteOn.CheckValue(in.Now); err != nil {
		return err
	}
	if err := i.Debtor.Check("debtor"); err != nil {
		return err
	}
	return checkHash(i.Hash)
}

// checkHash refuses text that is no SHA-256.
func checkHash(text string) error {
	if len(text) != 64 || strings.Trim(text, "0123456789abcdef") != "" {
		return domain.Refuse(domain.Malformed, "hash: want 64 hexadecimal digits in lower case")
	}
	return nil
}

// send moves one redemption into its next attempt.
func (o *order) send(i Instruction, p PaymentRef) error {
	if err := domain.CheckID("id", p.ID); err != nil {
		return err
	}
	r, err := load(o.view, p.ID, Requested, Accepted, Queued, Overdue)
	if err != nil {
		return err
	}
	inForce, err := payToInForce(o.view, r.Holder, r.Amount.Currency)
	if err != nil {
		return err
	}
	r.PayTo = r.Aim(inForce)
	if err := r.ready(o.in.Sender, p); err != nil {
		return err
	}
	id, uetr := PaymentID(o.in.Command.Ledger, o.in.Sender, p.ID, p.Attempt)
	w, err := domain.Put(paymentKey(id), Pointer{p.ID, p.Attempt, i.Message}, Instructed, r.Bank, r.Holder)
	if err != nil {
		return err
	}
	w.Final = true
	if slices.ContainsFunc(o.fx.Writes, func(other domain.Write) bool { return other.Key == w.Key }) {
		return domain.Refuse(domain.Malformed, "id: redemption %s given twice", p.ID)
	}
	o.fx.Writes = append(o.fx.Writes, w)
	r.Status, r.Attempt, r.DueAt = Instructed, p.Attempt, o.in.Now+SettleWindow
	r.Payment = &Attempt{Message: i.Message, EndToEndID: id, UETR: uetr, PaidFrom: i.Debtor.Number}
	o.fx.Deadlines = append(o.fx.Deadlines, domain.Deadline{Contract: r.ID, Name: returnName}, domain.Deadline{At: r.DueAt, Contract: r.ID, Name: overdueName})
	o.fx, err = r.record(o.fx)
	return err
}

// Aim is where the next attempt pays to, given the account that is pinned now: that one, unless the redemption was accepted
// for another and no attempt has failed. Nil if there is none.
func (r Redemption) Aim(inForce *Account) *Account {
	if r.PayTo == nil || r.Status == Requested || r.Attempt > 0 {
		return inForce
	}
	return r.PayTo
}

// ready refuses a redemption that cannot be paid outside now.
func (r Redemption) ready(bank domain.PartyID, p PaymentRef) error {
	switch {
	case r.Bank != bank:
		return domain.Refuse(domain.NotFound, "no open redemption %.64s", r.ID)
	case r.InFlight():
		return domain.Refuse(domain.WrongState, "redemption %s: its attempt %d is under way", r.ID, r.Attempt)
	case r.PayTo == nil:
		return domain.Refuse(domain.InvalidTerms, "redemption %s: its holder has no account to pay to in force", r.ID)
	case r.Exceptions > 0:
		return domain.Refuse(domain.WrongState, "redemption %s has %d open exceptions: resolve them first", r.ID, r.Exceptions)
	case p.Account != r.PayTo.Number():
		return domain.Refuse(domain.WrongState, "redemption %s: the account to pay to is another one by now: make the message anew", r.ID)
	case p.Attempt != r.Attempt+1:
		return domain.Refuse(domain.WrongState, "redemption %s: its next attempt is %d", r.ID, r.Attempt+1)
	case p.Attempt > MaxAttempts:
		return domain.Refuse(domain.LimitExceeded, "redemption %s: attempts, limit %d", r.ID, MaxAttempts)
	}
	return nil
}
