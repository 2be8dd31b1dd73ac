package invoice

import "aval/domain"

// Amendment is a change of the terms that one side has signed and the other is asked to.
type Amendment struct {
	Terms      Terms          `json:"terms"`
	TermsHash  string         `json:"termsHash"`
	ProposedBy domain.PartyID `json:"proposedBy"`
	AnswerBy   domain.Millis  `json:"answerBy"`
}

// amend proposes other terms for what is shipped and invoiced from now on; supplier, buyer,
// currency and whose money pays stay, and so does every line that has been touched.
func (d *draft) amend() error {
	var body Proposal
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	a, err := d.target(Agreed)
	if err != nil {
		return err
	}
	if !a.Terms.party(d.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "supplier or buyer may amend")
	}
	if a.Amendment != nil {
		return domain.Refuse(domain.WrongState, "an amendment waits for an answer")
	}
	if err := body.Terms.check(d.in.Now, d.in.Registry); err != nil {
		return err
	}
	if err := a.checkAmendment(body.Terms); err != nil {
		return err
	}
	if body.AnswerBy <= d.in.Now || body.AnswerBy > d.in.Now+MaxAnswer || body.AnswerBy > a.Terms.ExpiresAt {
		return domain.Refuse(domain.InvalidTerms, "answerBy: want an instant in the next %d days and before expiresAt", MaxAnswer/Day)
	}
	hash, err := body.Terms.Hash()
	if err != nil {
		return err
	}
	a.Amendment = &Amendment{Terms: body.Terms, TermsHash: hash, ProposedBy: d.in.Sender, AnswerBy: body.AnswerBy}
	d.agreements.touch(a)
	d.event("AmendmentProposed", agreementKey(a.ID), agreementStep{By: d.in.Sender, TermsHash: hash}, a.everybody()...)
	return nil
}

func (a *Agreement) checkAmendment(next Terms) error {
	now := a.Terms
	if next.Supplier != now.Supplier || next.Buyer != now.Buyer || next.Currency != now.Currency ||
		next.payer() != now.payer() || next.Settlement != now.Settlement || next.Authority != now.Authority {
		return invalid("an amendment keeps supplier, buyer, currency, settlement, bank and authority")
	}
	for _, p := range a.Progress {
		before, _ := now.line(p.Line)
		after, kept := next.line(p.Line)
		if !kept || after.Unit != before.Unit {
			return invalid("lines: %.64q has been shipped or invoiced and stays, in its unit", p.Line)
		}
	}
	if (len(next.Lines) == 0) != (len(now.Lines) == 0) {
		return invalid("lines: an order with lines stays one")
	}
	return nil
}

// adopt puts an amendment in force: the other side has repeated its hash. What is open keeps its terms.
func (d *draft) adopt(a *Agreement, hash string) error {
	if d.in.Sender == a.Amendment.ProposedBy || !a.Terms.party(d.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "the proposer cannot agree; the other party must")
	}
	if hash != a.Amendment.TermsHash {
		return domain.Refuse(domain.InvalidTerms, "termsHash is not that of the amendment")
	}
	a.Terms, a.TermsHash, a.Amendment, a.Undertaken = a.Amendment.Terms, a.Amendment.TermsHash, nil, false
	a.Version++
	d.agreements.touch(a)
	a.event(d, "AgreementAmended", d.in.Sender)
	return nil
}

// forgo takes an amendment back, or ends its time.
func (d *draft) forgo(a *Agreement, event string) {
	hash := a.Amendment.TermsHash
	a.Amendment = nil
	d.agreements.touch(a)
	d.event(event, agreementKey(a.ID), agreementStep{By: d.in.Sender, TermsHash: hash}, a.everybody()...)
}

// terminate stops an agreement: what is open goes on under it, nothing more is shipped or invoiced.
func (d *draft) terminate() error {
	a, err := d.target(Agreed)
	if err != nil {
		return err
	}
	if !a.Terms.party(d.in.Sender) {
		return domain.Refuse(domain.NotPermitted, "supplier or buyer may terminate")
	}
	a.Status, a.Amendment = Terminated, nil
	d.agreements.touch(a)
	a.event(d, "AgreementTerminated", d.in.Sender)
	return nil
}
