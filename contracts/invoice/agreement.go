package invoice

import "aval/domain"

// The states of an agreement.
const (
	Proposed  = "proposed"
	Agreed    = "agreed"
	Withdrawn = "withdrawn"
	Lapsed    = "lapsed"
	Closed    = "closed"
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
	// Open counts shipments that are not final.
	Open int64 `json:"open"`
}

func agreementKey(id string) string { return "agreement/" + id }

func (a Agreement) escrow() domain.AccountID { return domain.EscrowAccount(Kind, agreementKey(a.ID)) }

func (a Agreement) final() bool {
	return a.Status == Withdrawn || a.Status == Lapsed || a.Status == Closed
}

// save writes the agreement and its deadlines.
func (a Agreement) save(d *draft) {
	put(d, agreementKey(a.ID), a, a.Status, a.final(), a.Terms.Supplier, a.Terms.Buyer)
	d.heldFor(a.Terms.Buyer)
	lapseAt, expireAt := domain.Millis(0), domain.Millis(0)
	switch a.Status {
	case Proposed:
		lapseAt = a.AnswerBy
	case Agreed:
		expireAt = a.Terms.ExpiresAt
	}
	d.deadline(a.ID, lapse, lapseAt)
	d.deadline(a.ID, expire, expireAt)
}

// agreementStep is the body of events that need no more than who did it.
type agreementStep struct {
	By        domain.PartyID `json:"by,omitempty"`
	TermsHash string         `json:"termsHash"`
}

func (a Agreement) event(d *draft, name string, by domain.PartyID) {
	d.event(name, agreementKey(a.ID), agreementStep{By: by, TermsHash: a.TermsHash}, a.Terms.Supplier, a.Terms.Buyer)
}

// agreement loads one for its supplier or buyer, or for a deadline. "Not yours" and "not there" read the same.
func (c call) agreement(id string) (Agreement, error) {
	a, found, err := domain.Load[Agreement](c.view, agreementKey(id))
	if err != nil {
		return a, err
	}
	if !found || !c.in.FromDeadline() && !a.Terms.party(c.in.Sender) {
		return a, domain.Refuse(domain.NotFound, "agreement %.64q: none of yours is open", id)
	}
	return a, nil
}

// target loads the agreement that the command names and refuses another state than the one given.
func (c call) target(state string) (Agreement, error) {
	a, err := c.agreement(c.in.Command.Contract)
	if err == nil && a.Status != state {
		err = domain.Refuse(domain.WrongState, "agreement is %s, want %s", a.Status, state)
	}
	return a, err
}

func (c call) propose() (domain.Effects, error) {
	var body Proposal
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	key := agreementKey(c.in.Command.Contract)
	if _, open := c.view.Get(key); open || c.view.Closed(key) {
		return domain.Effects{}, domain.Refuse(domain.AlreadyExists, "agreement %s: the ID is taken", c.in.Command.Contract)
	}
	if !body.Terms.party(c.in.Sender) || !c.in.Has(domain.RoleSupplier) && !c.in.Has(domain.RoleBuyer) {
		return domain.Effects{}, domain.Refuse(domain.NotPermitted, "only the supplier or the buyer of the terms may propose them")
	}
	if err := body.Terms.check(c.in.Now, c.in.Registry); err != nil {
		return domain.Effects{}, err
	}
	if body.AnswerBy <= c.in.Now || body.AnswerBy > c.in.Now+MaxAnswer || body.AnswerBy > body.Terms.ExpiresAt {
		return domain.Effects{}, domain.Refuse(domain.InvalidTerms, "answerBy: want an instant in the next %d days and before expiresAt", MaxAnswer/Day)
	}
	hash, err := body.Terms.Hash()
	if err != nil {
		return domain.Effects{}, err
	}
	// From here on it must succeed.
	a := Agreement{
		ID: c.in.Command.Contract, Status: Proposed, Terms: body.Terms, TermsHash: hash,
		ProposedBy: c.in.Sender, AnswerBy: body.AnswerBy,
	}
	var d draft
	a.save(&d)
	a.event(&d, "AgreementProposed", c.in.Sender)
	return d.done()
}

func (c call) agree() (domain.Effects, error) {
	var body Agreeing
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	a, err := c.target(Proposed)
	if err != nil {
		return domain.Effects{}, err
	}
	if c.in.Sender == a.ProposedBy {
		return domain.Effects{}, domain.Refuse(domain.NotPermitted, "the proposer cannot agree; the other party must")
	}
	if body.TermsHash != a.TermsHash {
		return domain.Effects{}, domain.Refuse(domain.InvalidTerms, "termsHash is not that of the proposed terms")
	}
	// From here on it must succeed.
	a.Status = Agreed
	var d draft
	a.save(&d)
	a.event(&d, "AgreementAgreed", c.in.Sender)
	return d.done()
}

func (c call) withdraw() (domain.Effects, error) {
	a, err := c.target(Proposed)
	if err != nil {
		return domain.Effects{}, err
	}
	if c.in.Sender != a.ProposedBy {
		return domain.Effects{}, domain.Refuse(domain.NotPermitted, "only the proposer withdraws")
	}
	return c.end(a, Withdrawn, "AgreementWithdrawn")
}

func (c call) lapse() (domain.Effects, error) {
	a, err := c.target(Proposed)
	if err != nil {
		return domain.Effects{}, err
	}
	return c.end(a, Lapsed, "AgreementLapsed")
}

func (c call) fund() (domain.Effects, error) {
	var body Funding
	if err := c.in.Command.DecodeBody(&body); err != nil {
		return domain.Effects{}, err
	}
	a, err := c.target(Agreed)
	if err != nil {
		return domain.Effects{}, err
	}
	if c.in.Sender != a.Terms.Buyer {
		return domain.Effects{}, domain.Refuse(domain.NotPermitted, "only the buyer funds")
	}
	if err := body.Amount.CheckPositive("amount"); err != nil {
		return domain.Effects{}, err
	}
	if body.Amount.Currency != a.Terms.Currency {
		return domain.Effects{}, domain.Refuse(domain.CurrencyMismatch, "amount is in %s, the agreement in %s", body.Amount.Currency, a.Terms.Currency)
	}
	account := domain.PartyAccount(c.in.Sender)
	if c.view.Available(account, a.Terms.Currency) < body.Amount.Minor {
		return domain.Effects{}, domain.Refuse(domain.InsufficientFunds, "amount: more than your account holds")
	}
	// From here on it must succeed.
	var d draft
	d.move("fund", account, a.escrow(), body.Amount.Minor, a.Terms.Currency)
	d.event("EscrowFunded", agreementKey(a.ID), body.Amount, a.Terms.Supplier, a.Terms.Buyer)
	return d.done()
}

func (c call) close() (domain.Effects, error) {
	a, err := c.target(Agreed)
	if err != nil {
		return domain.Effects{}, err
	}
	if a.Open > 0 {
		return domain.Effects{}, domain.Refuse(domain.WrongState, "%d shipments are open, want none", a.Open)
	}
	return c.end(a, Closed, "AgreementClosed")
}

// expire closes an agreement at its end, or leaves that to its last shipment.
func (c call) expire() (domain.Effects, error) {
	a, err := c.target(Agreed)
	if err != nil || a.Open > 0 {
		return domain.Effects{}, err
	}
	return c.end(a, Closed, "AgreementClosed")
}

// end makes an agreement final and returns what its escrow holds to the buyer.
func (c call) end(a Agreement, status, event string) (domain.Effects, error) {
	// From here on it must succeed.
	a.Status = status
	var d draft
	a.save(&d)
	d.move("unspent", a.escrow(), domain.PartyAccount(a.Terms.Buyer), c.view.Available(a.escrow(), a.Terms.Currency), a.Terms.Currency)
	a.event(&d, event, c.in.Sender)
	return d.done()
}
