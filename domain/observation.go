package domain

// HolderClass says what kind of thing a registered key speaks for.
type HolderClass string

// The classes of key holders.
const (
	PartyHolder  HolderClass = "party"
	DeviceHolder HolderClass = "device"
	SourceHolder HolderClass = "source"
)

// HolderOf is the name under which a party itself is the holder in observations. No device or source has
// such a name.
func HolderOf(p PartyID) string { return "party/" + string(p) }

// Observation is a signed fact from a device or an oracle source, or from a party if its form allows that. Decoded by a codec from
// the received bytes; the bytes are what is stored. Everything here except Holder,
// Operator and Family, which the engine fills in from the registry, is covered by the signature.
type Observation struct {
	Ledger string `json:"ledger"`
	// Kind and Subject say which contract kind it is for and what was observed: a shipment
	// ID, a flight leg key.
	Kind    Kind   `json:"kind"`
	Subject string `json:"subject"`
	// KeyID, Epoch and Sequence are the identity of the message: an epoch starts when a
	// device boots or an oracle process starts, and sequences count from 1 within it.
	KeyID    string `json:"keyId"`
	Epoch    uint64 `json:"epoch"`
	Sequence uint64 `json:"sequence"`
	// Previous is the fingerprint of the message before it in the same epoch, empty for the first.
	Previous []byte `json:"previous,omitempty"`
	// Fingerprint is the SHA-256 of the signed bytes as received.
	Fingerprint []byte `json:"fingerprint"`
	// ObservedAt is the signer's own clock when it signed, ClockQuality how that clock was set.
	ObservedAt   Millis       `json:"observedAt"`
	ClockQuality ClockQuality `json:"clockQuality,omitempty"`
	// Exactly one of the two is present.
	Readings []Reading     `json:"readings,omitempty"`
	Flight   *FlightStatus `json:"flight,omitempty"`

	// OfParties says that the form is one that parties sign with keys of their own too. Set by the codec.
	OfParties bool `json:"ofParties,omitempty"`

	// Holder is a device, a source, or HolderOf a party.
	Holder   string  `json:"holder,omitempty"`
	Operator PartyID `json:"operator,omitempty"`
	// Family groups sources that resell the same data; a quorum counts a family once. Empty for devices.
	Family string `json:"family,omitempty"`
}

// ClockQuality says how a device set its clock.
type ClockQuality string

// The clock qualities a device may state.
const (
	ClockUnset ClockQuality = "unset"
	ClockRTC   ClockQuality = "rtc"
	ClockNTP   ClockQuality = "ntp"
	ClockGNSS  ClockQuality = "gnss"
)

// FlightPhase is what a source says of a flight, a tri-state: final (landed, cancelled,
// diverted), not yet, unknown. Only a final phase settles anything.
type FlightPhase string

// The flight phases.
const (
	FlightPending   FlightPhase = "pending"   // scheduled or under way: not yet
	FlightLanded    FlightPhase = "landed"    // at the gate of the scheduled destination
	FlightCancelled FlightPhase = "cancelled" // may still be reinstated: the contract waits
	FlightDiverted  FlightPhase = "diverted"  // ended, or landed, elsewhere
	FlightUnknown   FlightPhase = "unknown"   // no data, contradictory data, or an unlisted status
)

// FlightStatus is the normal form of one answer of one flight data source about one leg.
// All instants are UTC; zero means that the source did not say.
type FlightStatus struct {
	// Leg is the flight leg key that was asked for, see LegKey.
	Leg   string      `json:"leg"`
	Phase FlightPhase `json:"phase"`
	// ScheduledOut and ScheduledIn are the gate times the source holds as scheduled now.
	ScheduledOut Millis `json:"scheduledOut"`
	ScheduledIn  Millis `json:"scheduledIn"`
	// ActualOut and ActualIn are gate times. ActualOn is the runway time of landing: it
	// alone never makes a phase landed.
	ActualOut Millis `json:"actualOut"`
	ActualOn  Millis `json:"actualOn"`
	ActualIn  Millis `json:"actualIn"`
	// Source, ProviderID and RawSHA256 (of the body as fetched) let an auditor find the answer again.
	Source     string `json:"source"`
	ProviderID string `json:"providerId,omitempty"`
	RawSHA256  []byte `json:"rawSha256"`
	FetchedAt  Millis `json:"fetchedAt"`
	// UpdatedAt is the source's own time of its data, zero if it gives none.
	UpdatedAt Millis `json:"updatedAt"`
	// Reason says in a few fixed words why a phase is unknown: "no-match", "ambiguous", "contradictory", "unreachable".
	Reason string `json:"reason,omitempty"`
}

// Final says whether the phase can settle a policy.
func (f FlightStatus) Final() bool {
	return f.Phase == FlightLanded || f.Phase == FlightCancelled || f.Phase == FlightDiverted
}

// LegKey names one flight leg for ever: operating carrier, number without leading zeros,
// origin, destination (IATA or ICAO as the product says) and the local date at the origin
// of the scheduled departure when the cover was bound, "AS-98-ANC-SEA-2015-01-01". Carrier, number
// and date alone are not unique: one number can fly eight legs in a day.
func LegKey(carrier, number, origin, destination, localDate string) string {
	return carrier + "-" + number + "-" + origin + "-" + destination + "-" + localDate
}

// Signed is the checkable shell of a received message: what was signed, by which key, how.
type Signed struct {
	KeyID     string
	Algorithm string
	// Input is the byte string the signature covers, Signature 64 bytes: Ed25519, or r and s of P-256.
	Input     []byte
	Signature []byte
}

// Codec reads one format of signed observation. Pure, bounded, strict: no partial result
// with an error, no panic on any input. It does not check the signature.
type Codec interface {
	// Format is the name under which messages of this form are submitted and stored.
	Format() string
	// Decode gives the observation and its shell. Errors are *Rejection.
	Decode(raw []byte) (Observation, Signed, error)
}
