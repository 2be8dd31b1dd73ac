package domain

// Role is what governance allows a party to do.
type Role string

// The roles.
const (
	RoleMember       Role = "member"       // proposes and votes; registers parties, keys, devices and sources
	RoleOperator     Role = "operator"     // runs a node
	RoleAuditor      Role = "auditor"      // reads what it was granted, changes nothing
	RoleBank         Role = "bank"         // issues and redeems settlement money
	RoleInsurer      Role = "insurer"      // offers products
	RoleSupplier     Role = "supplier"     // sells and delivers goods
	RoleBuyer        Role = "buyer"        // pays for goods
	RoleCarrier      Role = "carrier"      // transports goods
	RoleFinancier    Role = "financier"    // advances money on invoices
	RolePolicyholder Role = "policyholder" // buys insurance
	RoleGateway      Role = "gateway"      // operates gateways and their devices
	RoleOracle       Role = "oracle"       // operates data sources
)

// Roles lists every role.
func Roles() []Role {
	return []Role{
		RoleMember, RoleOperator, RoleAuditor, RoleBank, RoleInsurer, RoleSupplier, RoleBuyer, RoleCarrier,
		RoleFinancier, RolePolicyholder, RoleGateway, RoleOracle,
	}
}

// Party is a registered legal or natural person.
type Party struct {
	ID    PartyID `json:"id"`
	Roles []Role  `json:"roles"`
	// Frozen is since when its commands are refused, Erased since when its data is gone; zero for neither.
	Frozen Millis `json:"frozen,omitempty"`
	Erased Millis `json:"erased,omitempty"`
}

// Key is a registered verification key.
type Key struct {
	// ID is the RFC 7638 thumbprint, base64url without padding.
	ID string `json:"id"`
	// Algorithm is EdDSA (Ed25519, Public is 32 bytes) or ES256 (P-256, Public is the 65-byte uncompressed point).
	Algorithm string `json:"algorithm"`
	Public    []byte `json:"public"`
	// Class and Holder say for whom the key speaks.
	Class  HolderClass `json:"class"`
	Holder string      `json:"holder"`
	// Since and Revoked bound its validity in batch time: Since <= now, and now < Revoked unless Revoked is zero.
	Since   Millis `json:"since"`
	Revoked Millis `json:"revoked"`
}

// ActiveAt says whether the key may act in a batch at that time.
func (k Key) ActiveAt(now Millis) bool { return k.Since <= now && (k.Revoked == 0 || now < k.Revoked) }

// Device is a registered sensor, operated by a party through a gateway.
type Device struct {
	ID       string  `json:"id"`
	Operator PartyID `json:"operator"`
	Gateway  string  `json:"gateway"`
}

// Source is a registered oracle source. Sources of one Family resell the same data and count once.
type Source struct {
	ID       string  `json:"id"`
	Operator PartyID `json:"operator"`
	Family   string  `json:"family"`
}

// Registry answers who is registered, as of the state before the command. Pure and read-only.
type Registry interface {
	Party(PartyID) (Party, bool)
	Key(id string) (Key, bool)
	Device(id string) (Device, bool)
	Source(id string) (Source, bool)
	// Approved says whether a product that was offered at that time may be sold: governance asks
	// for no approval of products, or it approved this one since.
	Approved(kind Kind, contract string, offered Millis) bool
}

// Genesis is what a ledger starts from: its origin and its first member.
type Genesis struct {
	Ledger string `json:"ledger"`
	Party  Party  `json:"party"`
	Key    Key    `json:"key"`
}
