package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"aval/contracts/invoice"
	"aval/domain"
)

// standing says in words how a record of a financing stands, and who has the word next, out of
// the fields that its reader may see.
func standing(key, status string, fields json.RawMessage) (details []string, next awaited, err error) {
	class, _, _ := strings.Cut(key, "/")
	switch class {
	case "programme":
		var p invoice.Programme
		err = json.Unmarshal(fields, &p)
		details, next = programmeStanding(p)
	case "offer":
		var o invoice.Offer
		err = json.Unmarshal(fields, &o)
		details, next = offerStanding(o)
	case "fingerprint":
		next = markStanding(status)
	case "receivable":
		var r sight
		err = json.Unmarshal(fields, &r)
		details, next = r.standing(status)
	default:
		err = errors.New("want an invoice, offer/ID, programme/ID or fingerprint/HEX")
	}
	return details, next, err
}

func programmeStanding(p invoice.Programme) ([]string, awaited) {
	var details []string
	if p.Limit > 0 {
		details = append(details, fmt.Sprintf("%s of %s are out", moneyText(p.Used, p.Currency), moneyText(p.Limit, p.Currency)))
	}
	for _, line := range p.Suppliers {
		details = append(details, fmt.Sprintf("supplier %s: %s of %s", line.Party, moneyText(line.Used, p.Currency), moneyText(line.Limit, p.Currency)))
	}
	if p.Standing == nil {
		return details, awaited{What: "invitations (aval finance invite)", From: "its suppliers"}
	}
	return append(details, priceText(*p.Standing, p.Currency)), awaited{What: "drawings (aval finance draw)", From: "its suppliers"}
}

func priceText(p invoice.Price, currency domain.Currency) string {
	text := fmt.Sprintf("%s %% in advance, %s %% a year by %s", p.AdvancePercent, p.Percent, p.Basis)
	if p.Flat > 0 && currency != "" {
		text += ", " + moneyText(p.Flat, currency) + " flat"
	}
	if p.OverdueDays > 0 {
		return fmt.Sprintf("%s, recourse %d days after the due day", text, p.OverdueDays)
	}
	return text + ", no recourse for the buyer's default"
}

func offerStanding(o invoice.Offer) ([]string, awaited) {
	details := []string{"of " + string(o.Financier) + ": " + priceText(o.Price, "")}
	switch o.Status {
	case invoice.Standing:
		return details, awaited{"acceptance (aval finance accept " + o.ID + ")", o.Supplier, millisText(o.ExpiresAt)}
	case invoice.Taken:
		return append(details, "on receivable "+o.Invoice), awaited{What: "the advance (aval finance advance " + o.Invoice + ")", From: o.Financier}
	}
	return details, awaited{}
}

func markStanding(status string) awaited {
	switch status {
	case invoice.Offered:
		return awaited{What: "offers (aval finance offer)", From: "the financiers that were asked"}
	case invoice.Reserved:
		return awaited{What: "the advance (aval finance advance)", From: "the financier that reserved it"}
	}
	return awaited{}
}

// sight is a receivable in any of the forms in which its parties see it.
type sight struct {
	invoice.Receivable
	// Due is minor units to the supplier, and money to the financier.
	Due json.RawMessage `json:"due"`
	// Identity and Calendar need no words.
	Identity json.RawMessage `json:"identity"`
	NoticeAt domain.Millis   `json:"noticeAt"`
}

func (r sight) standing(status string) ([]string, awaited) {
	var details []string
	if r.Controller != "" {
		details = append(details, "controlled by "+string(r.Controller))
	}
	if due := r.due(); due.Minor > 0 {
		details = append(details, fmt.Sprintf("%s due on %s", due, r.DueOn))
	}
	if r.Fingerprint != "" {
		details = append(details, "fingerprint "+r.Fingerprint)
	}
	if r.Similar {
		details = append(details, "beware: another invoice has the same number but for leading zeros")
	}
	if r.Elsewhere {
		details = append(details, "the registry reports it as financed elsewhere")
	}
	if r.Deal == nil {
		return details, r.waiting(status)
	}
	details = append(details, fmt.Sprintf("%s advances %s: %s", r.Deal.Financier, moneyText(r.Deal.Advance, r.due().Currency), priceText(r.Deal.Price, r.due().Currency)))
	return details, r.dealing(status)
}

// due is what is due, in either form.
func (r sight) due() domain.Money {
	due := domain.Money{Currency: r.Currency}
	if json.Unmarshal(r.Due, &due.Minor) != nil {
		_ = json.Unmarshal(r.Due, &due)
	}
	return due
}

// waiting is who has the word before a financing.
func (r sight) waiting(status string) awaited {
	switch {
	case r.NoticeAt != 0:
		return awaited{What: "payment to " + string(r.Controller), From: "you"}
	case status == invoice.Free && r.Registry != "" && r.Fingerprint == "":
		return awaited{What: "the fingerprint (aval finance registry answer)", From: r.Registry}
	case status == invoice.Offered:
		return awaited{What: "offers (aval finance offer)", From: domain.PartyID(partyList(r.Invited))}
	}
	return awaited{}
}

// dealing is who has the word in a financing.
func (r sight) dealing(status string) awaited {
	switch {
	case status == invoice.Reserved && !r.Cleared:
		return awaited{"the word that it is financed nowhere else (aval finance registry clear)", r.Registry, millisText(r.Deal.ReservedUntil)}
	case status == invoice.Reserved:
		return awaited{"the advance (aval finance advance " + r.Invoice + ")", r.Deal.Financier, millisText(r.Deal.ReservedUntil)}
	case r.Deal.Demanded && r.Deal.DemandBy > 0:
		return awaited{"repayment for " + r.Deal.Trigger + " (aval finance repay " + r.Invoice + ")", r.Supplier, millisText(r.Deal.DemandBy)}
	case r.Deal.Remainder > 0:
		return awaited{What: "the remainder (aval finance remit " + r.Invoice + ")", From: r.Deal.Financier}
	case status == invoice.Financed && r.Deal.NoticeAt != 0:
		return awaited{"payment to " + string(r.Controller), r.Buyer, string(r.DueOn)}
	case status == invoice.Financed:
		return awaited{"payment to " + string(r.Supplier) + ", in trust", r.Buyer, string(r.DueOn)}
	}
	return awaited{}
}

func partyList(parties []domain.PartyID) string {
	names := make([]string, len(parties))
	for i, p := range parties {
		names[i] = string(p)
	}
	return strings.Join(names, ", ")
}
