package cash_test

import (
	"fmt"
	"maps"
	"testing"

	"aval/contracts/contracttest"
	"aval/domain"
)

// told is a story with a record of each class, in which acme pays, initech is paid, and the bank pays outside.
func told(t *testing.T) *contracttest.Bench {
	t.Helper()
	b := sent(t)
	b.Register("auditor", domain.RoleAuditor)
	b.Register("member", domain.RoleMember)
	send := func(at domain.Millis, sender domain.PartyID, contract, verb string, body any) {
		t.Helper()
		must(t, b.Send(at, sender, "cash/1", contract, verb, body))
	}
	send(start, "acme", "bank", "limit", limit("acme", object{"dailyOutflow": 9000}))
	send(start, "bank", "bank", "limit", limit("acme", object{"minimumBalance": 1}))
	send(start, "acme", "bank", "hold", object{"id": "H-1", "to": "initech", "amount": eur(500), "expiresAt": start + day})
	send(start, "initech", "H-1", "capture", object{"amount": eur(200), "final": false})
	send(start, "initech", "H-1", "release", object{})
	send(start, "acme", "bank", "transfer", object{"to": "initech", "amount": eur(300)})
	send(start, "initech", "bank", "reverse", give(uint64(b.Size()-1), 0, 100))
	send(start, "acme", "bank", "payTo", asks(iban(newIBAN)))
	send(start, "bank", "bank", "approvePayTo", number(2))
	send(start+1, "acme", "bank", "cancelPayTo", number(2))
	send(start+2, "bank", "R-1", "book", booking("R-1", 1, "camt-1", 3999))
	return b
}

const (
	holdFields       = "amount.currency amount.minor captured.currency captured.minor endedAt expiresAt heldAt id issuer payee payer reference status"
	paidFields       = "amount.currency amount.minor from issuer reference to"
	redemptionFields = "acceptedAt amount.currency amount.minor answer attempt bank dueAt endedAt %sholder id payTo.bic payTo.iban payTo.name payment.endToEndId payment.message payment.paidFrom payment.uetr reference requestedAt status"
	requestedFields  = "acceptedAt amount.currency amount.minor answer bank dueAt endedAt holder id payTo.bic payTo.iban payTo.name reference requestedAt status"
	exceptionFields  = "advice.attempt advice.endToEndId advice.entry advice.message amount.currency amount.minor bank expected.currency expected.minor holder note openedAt problem redemption resolvedAt"
	pinnedFields     = "account.bic account.iban account.name %sbank currency number party since status"
	boundsFields     = "bounds.dailyOutflow bounds.maximumBalance bounds.minimumBalance by currency party"
	limitFields      = "bank.dailyOutflow bank.maximumBalance bank.minimumBalance currency own.dailyOutflow own.maximumBalance own.minimumBalance party"
)

var (
	// ofPayment is what payer and payee see of what passed between them.
	ofPayment = map[string]string{
		"hold": holdFields, "event held": holdFields, "event holdCaptured": holdFields, "event holdReleased": holdFields,
		"event transferred": paidFields,
		"reversal":          "amount.currency amount.minor index number payee payer reversed.currency reversed.minor",
		"event reversed":    "amount.currency amount.minor given.currency given.minor index number payee payer reference reversed.currency reversed.minor",
	}
	// ofRedemption is what a holder and its bank see of what leaves the ledger.
	ofRedemption = map[string]string{
		"redemption": fmt.Sprintf(redemptionFields, "exceptions "), "event redemptionRequested": requestedFields,
		"event paymentInstructed": fmt.Sprintf(redemptionFields, ""), "payment": "attempt message redemption",
		"exception": exceptionFields, "event exceptionOpened": exceptionFields,
		"payto": fmt.Sprintf(pinnedFields, ""), "event payToConfirmed": fmt.Sprintf(pinnedFields, ""), "event payToCancelled": fmt.Sprintf(pinnedFields, ""),
		"event payToAsked":    fmt.Sprintf(pinnedFields, "asked.account.bic asked.account.iban asked.account.name asked.at asked.key "),
		"event payToApproved": fmt.Sprintf(pinnedFields, "asked.account.iban asked.account.name asked.approvedBy asked.approvedKey asked.at asked.effectiveAt asked.key "),
		"event issued":        paidFields, "event limited": boundsFields,
	}
	// ofBank is what a bank sees beside: its money, the messages to its own bank and the words it got.
	ofBank = map[string]string{
		"currency": "code issuer since", "advice": "attempt endToEndId entry hash message",
		"instruction": "createdAt debtor.name debtor.number executeOn hash message payments[].account payments[].attempt payments[].id",
	}
)

func all(of ...map[string]string) map[string]string {
	joined := map[string]string{}
	for _, m := range of {
		maps.Copy(joined, m)
	}
	return joined
}

// TestWhoSeesWhichField: each class of record and each event, field by field, for every role. Of a limit the bank
// sees its own part. Under a grant one sees what its granter does.
func TestWhoSeesWhichField(t *testing.T) {
	b := told(t)
	whole := map[string]string{"limit": limitFields}
	for viewer, want := range map[domain.PartyID]map[string]string{
		"acme":    all(ofPayment, ofRedemption, whole),
		"initech": ofPayment,
		"bank":    all(ofRedemption, ofBank, map[string]string{"limit": boundsFields}),
		"":        all(ofPayment, ofRedemption, ofBank, whole), // an auditor whom governance granted all
		"rival":   {}, "auditor": {}, "member": {},
	} {
		got := b.Sight(domain.CashKind, viewer)
		for what := range all(got, want) {
			g, seen := got[what]
			if w, wanted := want[what]; g != w || seen != wanted {
				t.Errorf("%q sees of %s:\n%s (%v)\nwant\n%s (%v)", viewer, what, g, seen, w, wanted)
			}
		}
	}
}
