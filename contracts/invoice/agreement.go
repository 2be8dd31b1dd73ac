package invoice

import (
	"slices"

	"aval/domain"
)

// The states of an agreement.
const (
	Proposed  = "proposed"
	Agreed    = "agreed"
	Withdrawn = "withdrawn"
	Lapsed    = "lapsed"
	Closed    = "closed"
	// Terminated takes nothing new, and closes with the last that is open.
	Terminated = "terminated"
)

// Proposal is the body of propose.
type Proposal struct {
	Terms Terms `json:"terms"`
	// AnswerBy is when the proposal lapses, at most MaxAnswer ahead.
	AnswerBy domain.Millis `json:"answerBy"`
}

// Agreeing is the body of agree.
type Agreeing struct {
	// TermsHash is Terms.Hash of the terms that the sender has read.
	TermsHash string `json:"termsHash"`
}

// Funding is the body of fund.
type Funding struct {
	Amount domain.Money `json:"amount"`
}

// Agreement is the record agreement/<id>.
type Agreement struct {
	ID         string         `json:"id"`
	Status     string         `json:"status"`
	Terms      Terms          `json:"terms"`
	TermsHash  string         `json:"termsHash"`
	ProposedBy domain.PartyID `json:"proposedBy"`
	AnswerBy   domain.Millis  `json:"answerBy"`
	// Undertaken says that the bank has signed the terms, where they need one.
	Undertaken bool `json:"undertaken,omitempty"`
	// Version counts amendments.
	Version int64 `json:"version,omitempty"`
	// Amendment waits for the other side.
	Amendment *Amendment `json:"amendment,omitempty"`
	// Suspension stands while the authority's notice does.
	Suspension *Suspension `json:"suspension,omitempty"`
	// Open counts shipments and invoices that are not final.
	Open int64 `json:"open"`
	// Progress is how far each line of the order has come; a line that nothing has touched is not listed.
	Progress []Progress `json:"progress,omitempty"`
}

func agreementKey(id string) string { return "agreement/" + id }

func (a Agreement) escrow() domain.AccountID { return domain.EscrowAccount(Kind, agreementKey(a.ID)) }

func (a Agreement) final() bool {
	return a.Status == Withdrawn || a.Status == Lapsed || a.Status == Closed
}

// save writes the agreement and its deadlines.
func (a Agreement) save(d *draft) {
	put(d, agreementKey(a.ID), a, a.Status, a.final(), a.everybody()...)
	d.heldFor(a.Terms.payer())
	lapseAt, expireAt := domain.Millis(0), domain.Millis(0)
	switch a.Status {
	case Proposed:
		lapseAt = a.AnswerBy
	case Agreed:
		expireAt = a.Terms.ExpiresAt
		if a.Amendment != nil {
			lapseAt = a.Amendment.AnswerBy
		}
	case Terminated:
		expireAt = d.in.Now
	}
	d.deadline(a.ID, lapse, lapseAt)
	d.deadline(a.ID, expire, expireAt)
}

// everybody are supplier and buyer, the bank that has undertaken to pay, and the authority.
func (a Agreement) everybody() []domain.PartyID {
	return []domain.PartyID{a.Terms.Supplier, a.Terms.Buyer, a.Terms.Bank, a.Terms.Authority}
}

// agreementStep is the body of events that need no more than who did it.
type agreementStep struct {
	By        domain.PartyID `json:"by,omitempty"`
	TermsHash string         `json:"termsHash"`
}

func (a Agreement) event(d *draft, name string, by domain.PartyID) {
	d.event(name, agreementKey(a.ID), agreementStep{By: by, TermsHash: a.TermsHash}, a.everybody()...)
}

// agreement loads one for its supplier or buyer, or for a deadline. "Not yours" and "not there" read the same.
func (d *draft) agreement(id string) (*Agreement, error) {
	a, found, err := d.agreements.fetch(d.view, agreementKey(id))
	if err != nil {
		return nil, err
	}
	if !found || !d.in.FromDeadline() && !slices.Contains(a.everybody(), d.in.Sender) {
		return nil, domain.Refuse(domain.NotFound, "agreement %.64q: none of yours is open", id)
	}
	return a, nil
}

// target loads the agreement that the command names and refuses another state than the one given.
func (d *draft) target(state string) (*Agreement, error) {
	a, err := d.agreement(d.in.Command.Contract)
	if err == nil && a.Status != state {
		err = domain.Refuse(domain.WrongState, "agreement is %s, want %s", a.Status, state)
	}
	return a, err
}

// count adds to what is open under an agreement, which every record under it keeps open.
func (d *draft) count(agreement string, n int64) {
	a, _, err := d.agreements.fetch(d.view, agreementKey(agreement))
	d.fail(err)
	if a != nil {
		a.Open += n
		d.agreements.touch(a)
	}
}

func (d *draft) propose() error {
	var body Proposal
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	key := agreementKey(d.in.Command.Contract)
	if d.taken(key) {
		return domain.Refuse(domain.AlreadyExists, "agreement %s: the ID is taken", d.in.Command.Contract)
	}
	if !body.Terms.party(d.in.Sender) || !d.in.Has(domain.RoleSupplier) && !d.in.Has(domain.RoleBuyer) {
		return domain.Refuse(domain.NotPermitted, "only the supplier or the buyer of the terms may propose them")
	}
	if err := body.Terms.check(d.in.Now, d.in.Registry); err != nil {
		return err
	}
	if body.AnswerBy <= d.in.Now || body.AnswerBy > d.in.Now+MaxAnswer || body.AnswerBy > body.Terms.ExpiresAt {
		return domain.Refuse(domain.InvalidTerms, "answerBy: want an instant in the next %d days and before expiresAt", MaxAnswer/Day)
	}
	hash, err := body.Terms.Hash()
	if err != nil {
		return err
	}
	a := d.agreements.add(key, Agreement{
		ID: d.in.Command.Contract, Status: Proposed, Terms: body.Terms, TermsHash: hash,
		ProposedBy: d.in.Sender, AnswerBy: body.AnswerBy,
	})
	a.event(d, "AgreementProposed", d.in.Sender)
	return nil
}

func (d *draft) agree() error {
	var body Agreeing
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.agreement(d.in.Command.Contract)
	if err != nil {
		return err
	}
	if a.Status == Agreed && a.Amendment != nil {
		return d.adopt(a, body.TermsHash)
	}
	if a, err = d.target(Proposed); err != nil {
		return err
	}
	if d.in.Sender == a.ProposedBy {
		return domain.Refuse(domain.NotPermitted, "the proposer cannot agree; the other party must")
	}
	if !a.Terms.party(d.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "supplier and buyer agree")
	}
	if body.TermsHash != a.TermsHash {
		return domain.Refuse(domain.InvalidTerms, "termsHash is not that of the proposed terms")
	}
	a.Status = Agreed
	d.agreements.touch(a)
	a.event(d, "AgreementAgreed", d.in.Sender)
	return nil
}

// undertake is the bank's signature under terms that have it pay.
func (d *draft) undertake() error {
	var body Agreeing
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.target(Agreed)
	if err != nil {
		return err
	}
	if a.Terms.Bank == "" || d.in.Sender != a.Terms.Bank {
		return domain.Refuse(domain.NotPermitted, "only the bank of the terms may undertake to pay")
	}
	if body.TermsHash != a.TermsHash || a.Undertaken {
		return domain.Refuse(domain.InvalidTerms, "termsHash is not that of the agreed terms, or they are undertaken")
	}
	a.Undertaken = true
	d.agreements.touch(a)
	a.event(d, "PaymentUndertaken", d.in.Sender)
	return nil
}

func (d *draft) withdraw() error {
	a, err := d.agreement(d.in.Command.Contract)
	if err != nil {
		return err
	}
	if a.Status == Agreed && a.Amendment != nil && d.in.Sender == a.Amendment.ProposedBy {
		d.forgo(a, "AmendmentWithdrawn")
		return nil
	}
	if a, err = d.target(Proposed); err != nil {
		return err
	}
	if d.in.Sender != a.ProposedBy {
		return domain.Refuse(domain.NotPermitted, "only the proposer withdraws")
	}
	d.end(a, Withdrawn, "AgreementWithdrawn")
	return nil
}

func (d *draft) lapse() error {
	a, err := d.agreement(d.in.Command.Contract)
	if err != nil {
		return err
	}
	if a.Status == Agreed && a.Amendment != nil {
		d.forgo(a, "AmendmentLapsed")
		return nil
	}
	if a, err = d.target(Proposed); err != nil {
		return err
	}
	d.end(a, Lapsed, "AgreementLapsed")
	return nil
}

func (d *draft) fund() error {
	var body Funding
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.target(Agreed)
	if err != nil {
		return err
	}
	if d.in.Sender != a.Terms.payer() {
		return domain.Refuse(domain.NotPermitted, "only who is to pay funds")
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return err
	}
	if body.Amount.Currency != a.Terms.Currency {
		return domain.Refuse(domain.CurrencyMismatch, "amount is in %s, the agreement in %s", body.Amount.Currency, a.Terms.Currency)
	}
	account := domain.PartyAccount(d.in.Sender)
	if d.view.Available(account, a.Terms.Currency) < body.Amount.Minor {
		return domain.Refuse(domain.InsufficientFunds, "amount: more than your account holds")
	}
	d.move("fund", account, a.escrow(), body.Amount.Minor, a.Terms.Currency)
	d.event("EscrowFunded", agreementKey(a.ID), body.Amount, a.everybody()...)
	return nil
}

func (d *draft) close() error {
	a, err := d.target(Agreed)
	if err != nil {
		return err
	}
	if !a.Terms.party(d.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "supplier or buyer may close")
	}
	if a.Open > 0 {
		return domain.Refuse(domain.WrongState, "%d shipments and invoices are open, want none", a.Open)
	}
	d.end(a, Closed, "AgreementClosed")
	return nil
}

// expire closes an agreement at its end, or leaves that to the last record under it.
func (d *draft) expire() error {
	a, err := d.agreement(d.in.Command.Contract)
	if err == nil && a.Status != Agreed && a.Status != Terminated {
		err = domain.Refuse(domain.WrongState, "agreement is %s, want %s", a.Status, Agreed)
	}
	if err == nil && a.Open == 0 {
		d.end(a, Closed, "AgreementClosed")
	}
	return err
}

// end makes an agreement final and returns what its escrow holds to the buyer.
func (d *draft) end(a *Agreement, status, event string) {
	a.Status, a.Amendment = status, nil
	d.agreements.touch(a)
	d.move("unspent", a.escrow(), domain.PartyAccount(a.Terms.payer()), d.view.Available(a.escrow(), a.Terms.Currency), a.Terms.Currency)
	a.event(d, event, d.in.Sender)
}
