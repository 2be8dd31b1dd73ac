// Package governance is the contract kind "governance/1": who is registered on a ledger, and how
// its members decide on that.
//
// # Records
//
// The engine reads all but holders and the roster, so their bodies are exactly these types:
//
//	party/<id>          domain.Party     status "active", "frozen" or "erased"
//	key/<thumbprint>    domain.Key       status "active" or "revoked"
//	device/<id>         domain.Device    status "active"
//	source/<id>         domain.Source    status "active"
//	holder/<class>/<id> Holder           the registrar and the active keys of a party, device or source
//	roster/members      Roster           the parties with role member
//	epoch/current       domain.LedgerEpoch  the key that bodies are sealed under; absent: the first
//	recovery/current    domain.Recovery  who can open the ledger's keys together; absent: nobody
//	opening/current     domain.Opening   how a node last came by its keys, other than by its platform
//	grant/<viewer>/<id> domain.Grant     status "granted", or final "ended"
//	measurement/<platform>/<hex> domain.Measurement  code that is trusted
//	limits/current      domain.Limits    what a party may ask of a node; absent: no limits
//	constitution/current domain.Constitution  how members decide; at first DefaultRule and DefaultRoles
//	approval/<kind>/<contract> domain.Approval  a product that may be sold; since zero: not any more
//	reads/<party>       domain.Reads     how often it read under a grant, or others what is its, or by its grant
//	proposal/<id>       Proposal         status "open", or final "accepted", "failed", "lapsed", "withdrawn"
//
// A record is visible to the member that registered its holder and to the party concerned:
// the party itself, or the operator of the device or source. All members see the roster, the records of
// the whole ledger, and the proposals that were open while they were members. Its reads record is seen by the party alone.
//
// # Commands
//
// The contract of a command is the ID of what it is about, and must be the same as in the body.
//
//	Genesis          by the engine, once   contract "ledger"      domain.Genesis
//	registerParty    by a member           contract: the party    {party, roles, keys}
//	setRoles         by a member           contract: the party    {party, roles}
//	erase            by a member           contract: the party    {party}
//	freeze, unfreeze by a member           contract: the party    {party}
//	setConstitution  by a member           contract "constitution" {rule, proposed, roles}
//	setLimits        by a member           contract "limits"      {commandsPerMinute, readsPerMinute, payToHours}
//	trustMeasurement by a member           contract "measurements" {platform, value, release}
//	distrustMeasurement by a member        contract "measurements" {platform, value, until}
//	approveProduct,  by a member           contract: the product  {kind, contract}
//	withdrawApproval
//	propose          by a member           contract: the proposal {id, actions: [{name, contract, body}], expires}
//	vote             by a member           contract: the proposal {proposal, ballot}: yes, no or veto
//	withdraw         by its proposer       contract: the proposal {proposal}
//	Lapse            by the engine
//	registerKey      by a member, or by    contract: the key      {key, class, holder}
//	revokeKey        the party concerned   contract: the key      {id}
//	registerDevice   by a member           contract: the device   {device, operator, gateway, key}
//	registerSource   by a member           contract: the source   {source, operator, family, key}
//	beginEpoch       by a member           contract "epoch"       {number}, one more than the current
//	setRecovery      by a member           contract "recovery"    {threshold, members: [{party, key}]}
//	Opened           by the engine         contract "ledger"      domain.Opening
//	Accessed         by the engine         contract "ledger"      domain.Access
//	grant            by a party, of what   contract: the grant    {id, viewer, scope, until}
//	                 it sees; by a member
//	                 "all" and "parties"
//	revokeGrant      by its granter, or    contract: the grant    {id, viewer}
//	                 for governance by a
//	                 member
//	ExpireGrant      by the engine
//
// A key is {id, algorithm, public}, public in base64; class and holder may stand in it if
// they say the same as the command; since and revoked are the ledger's to set. A key is registered once, for
// one holder, for ever. Revoking takes effect at the batch time of the command: a command later in the same batch
// is refused. No command may leave so few members able to act that they could not decide about the others.
//
// With two members or more a member gives alone what the constitution does not reserve of registerParty,
// setRoles, registerKey, revokeKey, registerDevice and registerSource, unless it touches another member, or who has
// or gets a role that the constitution reserves; everything else that is "by a member" wants a proposal. ADR 0023 says why.
//
// Registering a key does not prove that its holder has the private half: the member vouches for it.
package governance

import (
	"strings"

	"aval/domain"
	"aval/domain/canon"
)

// Limits of governance/1.
const (
	// MaxMembers bounds the parties with role member.
	MaxMembers = 64
	// MaxKeys bounds the active keys of one holder, and so the keys of one command.
	MaxKeys = 16
	// MaxRoles bounds the roles of a party: there are no more.
	MaxRoles = 12
)

// The statuses of records.
const (
	Active  = "active"
	Revoked = "revoked"
)

// Holder is the record holder/<class>/<id>.
type Holder struct {
	// Registrar is the member that registered it.
	Registrar domain.PartyID `json:"registrar"`
	// Party is the party concerned: itself, or the operator.
	Party domain.PartyID `json:"party"`
	// Keys are the thumbprints of the active keys, oldest first.
	Keys []string `json:"keys"`
}

// Roster is the record roster/members, in order of name.
type Roster struct {
	Members []domain.PartyID `json:"members"`
}

// Contract is the kind governance/1.
var Contract domain.Contract = contract{&rules{}}

// contract holds nothing but what was compiled last.
type contract struct{ rules *rules }

// Kind is domain.GovernanceKind.
func (contract) Kind() domain.Kind { return domain.GovernanceKind }

// Show gives every party of a record all its fields, the bodies of proposed commands as JSON.
func (contract) Show(key string, body []byte, _ domain.PartyID) (any, error) {
	if strings.HasPrefix(key, "proposal/") {
		return showProposal(body)
	}
	return canon.ToJSON(body)
}

// Apply judges one command.
func (k contract) Apply(v domain.View, in domain.Input) (domain.Effects, error) {
	c := &change{rules: k.rules, view: v, in: in}
	if err := c.judgeCommand(); err != nil {
		return domain.Effects{}, err
	}
	return c.fx, nil
}

func (c *change) judgeCommand() error {
	switch name := c.in.Command.Name; name {
	case "Genesis":
		return genesis(c)
	case "propose":
		return propose(c)
	case "vote":
		return vote(c)
	case "withdraw":
		return withdraw(c)
	case lapse:
		return lapsed(c)
	case "Opened":
		return opened(c)
	case domain.Accessed:
		return accessed(c)
	case expireGrant:
		return expire(c)
	default:
		if deed := deeds(name); deed != nil {
			return c.perform(deed)
		}
		return domain.Refuse(domain.UnknownCommand, "%s has no command %.40q", domain.GovernanceKind, name)
	}
}
