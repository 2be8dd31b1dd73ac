package cash

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"aval/contracts/cash/iso20022"
	"aval/domain"
)

// Payout says what goes into the bank's message beside the account to pay to, which is pinned (PayTo). The banks between read it.
type Payout struct {
	// UltimateDebtor owed what is paid, UltimateCreditor is owed it, where they are not bank and holder: a financier's seller, say.
	UltimateDebtor   *iso20022.Party `json:"ultimateDebtor,omitempty"`
	UltimateCreditor *iso20022.Party `json:"ultimateCreditor,omitempty"`
	// Documents are those that the money pays, with what was taken off and why. In sum the amount.
	Documents []iso20022.Document `json:"documents,omitempty"`
}

// given checks a payout, and is nil for an empty one.
func (p Payout) given(amount domain.Money) (*Payout, error) {
	if p.UltimateDebtor == nil && p.UltimateCreditor == nil && len(p.Documents) == 0 {
		return nil, nil
	}
	if err := p.UltimateDebtor.Check("ultimateDebtor"); err != nil {
		return nil, err
	}
	if err := p.UltimateCreditor.Check("ultimateCreditor"); err != nil {
		return nil, err
	}
	return &p, iso20022.CheckDocuments(p.Documents, amount)
}

// Attempt is one payment outside: a message, its IDs, and what was said about it.
type Attempt struct {
	// Message is the MsgId of the pain.001. Empty when the attempt is over: rejected or returned.
	Message string `json:"message,omitempty"`
	// EndToEndID and UETR are those of PaymentID. PaidFrom is the number of the debtor's account.
	EndToEndID string `json:"endToEndId"`
	UETR       string `json:"uetr"`
	PaidFrom   string `json:"paidFrom"`
	// Heard is where the last word that changed something stood.
	Heard *Place `json:"heard,omitempty"`
	// BankStatus and Reason are the last that the bank gave: "ACSP", "AC04". Text says it in its words.
	BankStatus string `json:"bankStatus,omitempty"`
	Reason     string `json:"reason,omitempty"`
	Text       string `json:"text,omitempty"`
	// Debited and Credited say that a booking on the payer's, on the payee's account was seen.
	Debited  bool `json:"debited,omitempty"`
	Credited bool `json:"credited,omitempty"`
	// SettledAt is a batch time, zero for not yet, and zero again after a return.
	SettledAt domain.Millis `json:"settledAt,omitempty"`
}

// Place is a place in a bank's message: its MsgId and the path of the word. The SHA-256 of a message is the bank's alone: who
// has one payment in it could try what the others are until the hash fits.
type Place struct {
	Message string `json:"message"`
	Entry   string `json:"entry"`
}

// PaymentID names one attempt of one redemption on one ledger for ever: the end-to-end ID, 32 hexadecimal digits that show
// nothing of the redemption, and the same digits as a UETR, a UUID of version 4 in form. 122 bits of SHA-256: no two attempts share one.
func PaymentID(ledger string, bank domain.PartyID, redemption string, attempt int) (endToEndID, uetr string) {
	sum := sha256.Sum256(fmt.Appendf(nil, "aval payment/1\n%s\n%s\n%s\n%d\n", ledger, bank, redemption, attempt))
	sum[6], sum[8] = sum[6]&0x0f|0x40, sum[8]&0x3f|0x80
	id := hex.EncodeToString(sum[:16])
	return id, id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// MessageID is the MsgId of the message whose first payment has that end-to-end ID. Each attempt is in one message, so it is unique too.
func MessageID(firstEndToEndID string) string { return "AV" + firstEndToEndID }

// InFlight says whether an attempt is under way outside.
func (r Redemption) InFlight() bool {
	return r.Payment != nil && r.Payment.Message != "" && r.Payment.SettledAt == 0
}

// paid ends the attempt well: what was held goes back to whoever issued it. The record stays open for a return.
func (r Redemption) paid(now domain.Millis, value domain.Date) (domain.Effects, error) {
	attempt := *r.Payment
	attempt.SettledAt = now
	r.Payment, r.Status, r.DueAt = &attempt, Settled, now+ReturnWindow
	return r.record(domain.Effects{
		Postings: []domain.Posting{{Debit: r.escrow(), Credit: domain.IssueAccount(r.Bank), Amount: r.Amount, Purpose: "redeemed", ValueDate: value}},
		Deadlines: []domain.Deadline{
			{Contract: r.ID, Name: returnName}, {Contract: r.ID, Name: overdueName}, {At: r.DueAt, Contract: r.ID, Name: closeName},
		},
	})
}

// requeue ends the attempt badly: the funds are held and the next may be instructed. Money that had left comes
// back into the escrow first.
func (r Redemption) requeue(now domain.Millis, value domain.Date, event string) (fx domain.Effects, err error) {
	if r.Payment.SettledAt != 0 {
		fx.Postings = []domain.Posting{{Debit: domain.IssueAccount(r.Bank), Credit: r.escrow(), Amount: r.Amount, Purpose: "returned", ValueDate: value}}
	}
	attempt := *r.Payment
	attempt.Message, attempt.SettledAt = "", 0
	r.Payment, r.Status, r.DueAt = &attempt, Queued, now+AcceptWindow
	fx.Deadlines = []domain.Deadline{
		{Contract: r.ID, Name: overdueName}, {Contract: r.ID, Name: closeName}, {At: r.DueAt, Contract: r.ID, Name: returnName},
	}
	return r.say(fx, event)
}

// closeSettled is the deadline after which no return is waited for.
func closeSettled(v domain.View, in domain.Input) (domain.Effects, error) {
	r, err := load(v, in.Command.Contract, Settled)
	if err != nil {
		return domain.Effects{}, err
	}
	r.EndedAt, r.DueAt = in.Now, 0
	return r.say(domain.Effects{}, "paymentClosed")
}
