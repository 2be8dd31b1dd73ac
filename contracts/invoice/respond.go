package invoice

import (
	"slices"

	"aval/domain"
)

// Response is the body of respond: an Invoice Response (Peppol BIS 3, transaction T111) in its own codes.
type Response struct {
	// Code is the status: AB acknowledged, IP in process, UQ under query, CA accepted with a
	// deduction, RE rejected, AP accepted, PD paid.
	Code string `json:"code"`
	// Reason is needed with UQ, CA and RE: REF, LEG, REC, QUA, DEL, PRI, QTY, ITM, PAY, UNR, FIN, PPD or OTH.
	Reason string `json:"reason,omitempty"`
	// Action is what the buyer asks for: NOA, PIN, NIN, CNF, CNP, CNA or OTH; it may be left out.
	Action string `json:"action,omitempty"`
	// Deduction in minor units is what is in question, for UQ and CA; with UQ zero is all of it.
	Deduction int64 `json:"deduction,omitempty"`
}

// responded tells insiders what the buyer answered.
type responded struct {
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
	Action string `json:"action,omitempty"`
}

// respond is the buyer's answer to an invoice. AB, IP and PD are heard and change nothing: that an
// invoice was paid is what postings say.
func (d *draft) respond() error {
	var body Response
	if err := d.in.Command.DecodeBody(&body); err != nil {
		return err
	}
	b, err := d.bill(Received, Valid, Held, Exception, UnderQuery, Disputed, Approved, Due)
	if err != nil {
		return err
	}
	if err := d.only("buyer", b.Payment.Buyer); err != nil {
		return err
	}
	if body.Action != "" && !slices.Contains([]string{"NOA", "PIN", "NIN", "CNF", "CNP", "CNA", "OTH"}, body.Action) {
		return domain.Refuse(domain.Malformed, "action %.8q is not a code of the Peppol Invoice Response", body.Action)
	}
	bare := body.Reason == "" && body.Deduction == 0
	d.bills.touch(b)
	d.event("InvoiceResponded", billKey(b.ID), responded{body.Code, body.Reason, body.Action}, b.insiders()...)
	switch {
	case bare && (body.Code == "AB" || body.Code == "IP" || body.Code == "PD"):
		b.Response = body.Code
		return nil
	case bare && body.Code == "AP":
		return d.acceptance(Acceptance{})
	case body.Code == "CA" && body.Deduction != 0:
		return d.acceptance(Acceptance{Deduction: body.Deduction, Reason: body.Reason})
	case body.Code == "RE" && body.Deduction == 0:
		return d.rejection(Rejection{Reason: body.Reason})
	case body.Code == "UQ":
		return d.query(b, body)
	}
	return domain.Refuse(domain.Malformed, "code %.8q with these fields is no answer to an invoice", body.Code)
}

// query stops what the buyer asks about, without a word about the goods; the rest is approved.
func (d *draft) query(b *Bill, body Response) error {
	if b.Status != Received && b.Status != Valid && b.Status != Held {
		return domain.Refuse(domain.WrongState, "invoice is %s, want %s, %s or %s", b.Status, Received, Valid, Held)
	}
	if err := checkReason(body.Reason); err != nil {
		return err
	}
	if body.Deduction < 0 || body.Deduction > b.net() {
		return domain.Refuse(domain.InvalidAmount, "deduction: want 0, for all, to what the invoice comes to")
	}
	if body.Deduction != 0 {
		if _, err := d.judgedGoods(b); err != nil {
			return err
		}
		return d.claim(b, body.Deduction, body.Reason)
	}
	return d.claim(b, b.net(), body.Reason)
}
