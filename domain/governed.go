package domain

import "slices"

// LedgerEpoch is the record epoch/current of governance: the key epoch that bodies are sealed
// under from the batch after it.
type LedgerEpoch struct {
	// Number grows from 1, under which a ledger begins without a record.
	Number uint32 `json:"number"`
	// Since is the batch time at which it was decided.
	Since Millis `json:"since"`
}

// RecoveryMember is a member that keeps a share of the key that recovers the ledger.
type RecoveryMember struct {
	Party PartyID `json:"party"`
	// Key is the public key that the member's share is encrypted to, as HPKE serializes it.
	Key []byte `json:"key"`
}

// Recovery is the record recovery/current of governance: who keeps shares of the recovery key.
type Recovery struct {
	// Number counts the decisions: a share of an earlier one recovers nothing.
	Number uint32 `json:"number"`
	// Threshold is how many shares recover, from 1 to the number of members.
	Threshold int              `json:"threshold"`
	Members   []RecoveryMember `json:"members"`
}

// Measurement is the record measurement/<platform>/<value in hex> of governance: code that is trusted.
type Measurement struct {
	Platform string `json:"platform"`
	// Value is the measurement in lower-case hex, as the platform reports it.
	Value string `json:"value"`
	// Release is the name that people know the code by.
	Release string `json:"release"`
	// Since and Until bound the trust in batch time: Since <= now, and now < Until unless Until is zero.
	Since Millis `json:"since"`
	Until Millis `json:"until"`
}

// TrustedAt says whether code of that measurement is trusted at that time.
func (m Measurement) TrustedAt(now Millis) bool { return within(now, m.Since, m.Until) }

// Grant is the record grant/<viewer>/<id> of governance: what a party or governance lets
// somebody else see.
type Grant struct {
	ID string `json:"id"`
	// Granter is the party whose records may be read, or who speaks for governance.
	Granter PartyID `json:"granter"`
	Viewer  PartyID `json:"viewer"`
	// Scope is ScopeAll, ScopeParties, PartyScope of the granter, or the name of one of its
	// records or accounts, like "invoice:1:shipment:S-1" or "party/acme".
	Scope string `json:"scope"`
	// Since and Until bound the grant in batch time: Since <= now, and now < Until unless Until is zero.
	Since Millis `json:"since"`
	Until Millis `json:"until"`
}

// ActiveAt says whether the grant holds at that time.
func (g Grant) ActiveAt(now Millis) bool { return within(now, g.Since, g.Until) }

func within(now, since, until Millis) bool { return since <= now && (until == 0 || now < until) }

// Limits is the record limits/current of governance: what one party may ask of a node, zero for no
// limit, and how long what is risky waits.
type Limits struct {
	CommandsPerMinute int `json:"commandsPerMinute"`
	ReadsPerMinute    int `json:"readsPerMinute"`
	// PayToHours is the cool-off of a change of a pay-to account, in hours; zero for the default of cash/1.
	PayToHours int `json:"payToHours,omitempty"`
}

// Constitution is the record constitution/current of governance: how members decide.
type Constitution struct {
	// Number counts the decisions; 1 is what a ledger begins with.
	Number uint32 `json:"number"`
	// Rule is a CEL expression over a tally that says whether a proposal passes.
	Rule string `json:"rule"`
	// Proposed names the commands that no member may give alone, in order of name, and "product"
	// if products need approval.
	Proposed []string `json:"proposed"`
	// Roles are those that no member alone gives or takes away, nor touches the keys of who has one, in order.
	Roles []Role `json:"roles"`
	// Since is the batch time from which it holds.
	Since Millis `json:"since"`
}

// ProductsProposed is the word in Proposed that makes products need an approval.
const ProductsProposed = "product"

// AllowsSale says whether a product that was offered at that time may be sold under its approval, zero for none.
func (c Constitution) AllowsSale(a Approval, offered Millis) bool {
	return !slices.Contains(c.Proposed, ProductsProposed) || a.Since != 0 && a.Since >= offered
}

// Approval is the record approval/<kind>/<contract> of governance: a product that may be sold.
type Approval struct {
	Kind     Kind   `json:"kind"`
	Contract string `json:"contract"`
	Since    Millis `json:"since"`
}

// The ways in which a node can come by its keys.
const (
	// OpenedSealed: its platform unsealed them, as at every start but the first on a machine.
	OpenedSealed = "sealed"
	// OpenedByPeer: another attested node granted them.
	OpenedByPeer = "peer"
	// OpenedByShares: members put their shares together.
	OpenedByShares = "shares"
	// OpenedCreated: this node made them, with the ledger. Its first start seals them as any others.
	OpenedCreated = "created"
)

// Opening is the record opening/current of governance: how a node last came by its keys when its
// platform had not sealed them, or by whose word it went on.
type Opening struct {
	// ID tells one opening from every other.
	ID string `json:"id"`
	// Way is OpenedByPeer or OpenedByShares, or another one with Accepted.
	Way string `json:"way"`
	// Accepted is the number of leaves from which the node went on by the word of its operator, though nothing showed that
	// they were the newest; zero: something did.
	Accepted uint64 `json:"accepted,omitempty"`
	// Platform and Measurement (hex) are what the node ran on, by its own word.
	Platform    string `json:"platform"`
	Measurement string `json:"measurement"`
	// At is the batch time.
	At Millis `json:"at"`
}
