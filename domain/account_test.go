package domain_test

import (
	"testing"

	"pgregory.net/rapid"

	"aval/domain"
)

func TestAccountClasses(t *testing.T) {
	for account, want := range map[domain.AccountID]struct {
		text     string
		owner    domain.PartyID
		negative bool
	}{
		domain.PartyAccount("acme"):                          {"party/acme", "acme", false},
		domain.IssueAccount("bank"):                          {"issue/bank", "bank", true},
		domain.EscrowAccount("invoice/1", "agreement/A-1"):   {"escrow/invoice/1/agreement/A-1", "", false},
		domain.EscrowAccount("cash/1", "issue/party"):        {"escrow/cash/1/issue/party", "", false},
		domain.EscrowAccount("flightdelay/2", "pool/P/2026"): {"escrow/flightdelay/2/pool/P/2026", "", false},
	} {
		if string(account) != want.text || account.Owner() != want.owner || account.MayGoNegative() != want.negative {
			t.Errorf("%s: owner %q, may go negative %v", account, account.Owner(), account.MayGoNegative())
		}
		wantCode(t, want.text, account.Check(), "")
	}
}

func TestAccountCheckRefuses(t *testing.T) {
	for _, account := range []domain.AccountID{
		"", "party", "party/", "party/Acme", "party/a/b", "issue", "issue/", "issue/..", "Party/acme", "wallet/acme",
		"escrow", "escrow/", "escrow/invoice", "escrow/invoice/1", "escrow/invoice/1/", "escrow/invoice/1/agreement",
		"escrow/invoice/x/agreement/A-1", "escrow//1/agreement/A-1", "escrow/invoice/1/agreement//A-1", " party/acme",
	} {
		wantCode(t, string(account), account.Check(), domain.Malformed)
	}
}

// A kind holds its own escrow and nobody else's, though one name begins like another.
func TestEscrowIsHeldByItsKindAlone(t *testing.T) {
	account := domain.EscrowAccount("invoice/1", "agreement/A-1")
	for kind, want := range map[domain.Kind]bool{
		"invoice/1": true, "invoice/11": false, "invoice/": false, "invoice/2": false, "voice/1": false, "": false,
	} {
		if account.HeldBy(kind) != want {
			t.Errorf("held by %q: got %v", kind, !want)
		}
	}
	if domain.PartyAccount("acme").HeldBy("party/1") || domain.AccountID("escrow/invoice/11/a/b").HeldBy("invoice/1") {
		t.Error("an account is held by a kind it does not belong to")
	}
}

func TestConstructorsMakeAccountsThatPass(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		kind, key := kinds().Draw(r, "kind"), keys().Draw(r, "key")
		escrow := domain.EscrowAccount(kind, key)
		if err := escrow.Check(); err != nil || !escrow.HeldBy(kind) || escrow.Owner() != "" || escrow.MayGoNegative() {
			r.Fatalf("%s: %v", escrow, err)
		}
	})
}
