package domain

import "strings"

// AccountID names one account. An account may hold several currencies; a balance is
// credits minus debits, so a positive balance is money that its owner can spend.
//
//	party/acme                        money of a party
//	issue/bank                        what a settlement bank has issued; the only class that may go below zero
//	escrow/invoice/1/agreement/A-1    money held by one record of a contract kind
type AccountID string

// PartyAccount is the account from which only that party's own commands can take.
func PartyAccount(p PartyID) AccountID { return AccountID("party/" + string(p)) }

// IssueAccount is a settlement bank's issue account; its balance is minus the money issued.
func IssueAccount(p PartyID) AccountID { return AccountID("issue/" + string(p)) }

// EscrowAccount is held by the record of that kind and key, and by nobody else.
func EscrowAccount(k Kind, key string) AccountID {
	return AccountID("escrow/" + string(k) + "/" + key)
}

// AccountClass says what an account is for. Accounts are neither opened nor closed: every
// name that Check passes is an account with the balance zero until money touches it.
type AccountClass string

// The classes of account.
const (
	ClassParty  AccountClass = "party"
	ClassIssue  AccountClass = "issue"
	ClassEscrow AccountClass = "escrow"
)

// Class is the first part of the name. Only that of an account which passes Check is one of the three.
func (a AccountID) Class() AccountClass {
	class, _, _ := strings.Cut(string(a), "/")
	return AccountClass(class)
}

// MayGoNegative says whether the account has no floor at zero.
func (a AccountID) MayGoNegative() bool { return a.Class() == ClassIssue }

// Owner is the party of a party or issue account, empty for an escrow.
func (a AccountID) Owner() PartyID {
	class, name, _ := strings.Cut(string(a), "/")
	if class := AccountClass(class); class == ClassParty || class == ClassIssue {
		return PartyID(name)
	}
	return ""
}

// HeldBy says whether the account is an escrow of that kind.
func (a AccountID) HeldBy(k Kind) bool {
	return strings.HasPrefix(string(a), "escrow/"+string(k)+"/")
}

// Check refuses text that none of the three constructors makes.
func (a AccountID) Check() error {
	class, rest, _ := strings.Cut(string(a), "/")
	switch AccountClass(class) {
	case ClassParty, ClassIssue:
		return PartyID(rest).Check()
	case ClassEscrow:
		parts := strings.SplitN(rest, "/", 3)
		if len(parts) == 3 {
			if err := Kind(parts[0] + "/" + parts[1]).Check(); err != nil {
				return err
			}
			return CheckKey(parts[2])
		}
	}
	return Refuse(Malformed, "account %.80q: want party/, issue/ or escrow/", string(a))
}
