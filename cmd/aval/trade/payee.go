package trade

import (
	"fmt"
	"strings"

	"aval/contracts/cash"
	"aval/contracts/invoice/ubl"
)

// Rules of ours, for whom an invoice asks to pay.
const (
	// RulePayee is another payee than the supplier: on the ledger a receivable is paid to whoever controls it, not to who stands in a file.
	RulePayee = "AVAL-PAYEE"
	// RuleAccount is another account than the one that is pinned for the supplier.
	RuleAccount = "AVAL-ACCOUNT"
)

// CheckPayee reports an invoice that asks to be paid elsewhere than the ledger pays. Pinned is the supplier's account
// outside, nil if none is. A document without a payee or an account says nothing against it.
func CheckPayee(i *ubl.Invoice, pinned *cash.Account) []ubl.Exception {
	var found []ubl.Exception
	if i.Payee != nil && !same(*i.Payee, i.Supplier) {
		found = append(found, ubl.Exception{Rule: RulePayee, Path: "/cac:PayeeParty", Text: fmt.Sprintf(
			"to be paid to %.80s; the ledger pays who controls the receivable, which the supplier assigns there and not in a file", i.Payee.Name)})
	}
	if pinned == nil {
		return found
	}
	for n, p := range i.Payments {
		if p.Account != "" && p.Account != plainAccount(pinned.IBAN) && p.Account != plainAccount(pinned.Other) {
			found = append(found, ubl.Exception{
				Rule: RuleAccount, Path: fmt.Sprintf("/cac:PaymentMeans[%d]/cac:PayeeFinancialAccount/cbc:ID", n+1),
				Text: "to be paid to another account than is pinned for the supplier",
			})
		}
	}
	return found
}

func plainAccount(number string) string { return strings.ReplaceAll(number, " ", "") }

// same says whether two elements mean one company: by an identifier that both have, else by name.
func same(a, b ubl.Party) bool {
	if a.LegalID.Value != "" && b.LegalID.Value != "" {
		return a.LegalID.Value == b.LegalID.Value
	}
	for _, x := range a.IDs {
		for _, y := range b.IDs {
			if x.Value != "" && x.Value == y.Value {
				return true
			}
		}
	}
	return a.Name != "" && a.Name == b.Name
}
