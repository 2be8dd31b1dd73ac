package domain

// Reading is one value of one quantity at one instant, a scaled integer: the value in
// Unit is Value x 10^-Scale. What a reading holds depends on its Name, see the quantities.
type Reading struct {
	Name  string `json:"name"`
	Unit  string `json:"unit,omitempty"`
	Value int64  `json:"value"`
	Scale int8   `json:"scale,omitempty"`
	// Text carries a code: an SSCC, a seal number, what a withdrawal names; empty for numbers.
	Text string `json:"text,omitempty"`
	At   Millis `json:"at"`
	// From is the start of the span [From, At] that a least or greatest value is over; zero for an instant.
	From Millis `json:"from,omitempty"`
	// Event names the business event that the reading is part of, as its publisher does; empty
	// for a device that reports for itself. What an event says counts only for the goods that
	// its QuantityGoods readings name, and counts no longer once it is withdrawn.
	Event string `json:"event,omitempty"`
	// Place is where it was seen: a GLN of 13 digits, or a UN/LOCODE of 5 letters and digits; empty if not said.
	Place string `json:"place,omitempty"`
	// State is one of the states that the quantity has, By who is behind it; empty if not said.
	State string `json:"state,omitempty"`
	By    string `json:"by,omitempty"`
}

// The quantities of readings. What a contract does not know it leaves alone.
const (
	// QuantityTemperature is measured in Cel at At, usually at scale 3.
	QuantityTemperature = "temperature"
	// QuantityTemperatureMin and QuantityTemperatureMax are the least and the greatest in Cel over [From, At].
	QuantityTemperatureMin = "temperature-min"
	QuantityTemperatureMax = "temperature-max"
	// QuantityHumidity is the relative humidity in %RH.
	QuantityHumidity = "humidity"
	// QuantityFault says by Text why a sensor gave no value: neither good nor bad.
	QuantityFault = "fault"
	// QuantityLatitude and QuantityLongitude are in degrees (lat, lon of RFC 8428) at scale 7.
	QuantityLatitude  = "latitude"
	QuantityLongitude = "longitude"
	// QuantityScan is a code that was read, in Text; an event also says where, in Place.
	QuantityScan = "scan"
	// QuantityMove is goods or equipment that StateArrived at, or StateDeparted from, Place.
	QuantityMove = "move"
	// QuantitySeal is a seal with the number Text, that is StateIntact, StateAffixed or StateRemoved; By is
	// who affixed it: CAR, SHI, PHY, VET or CUS (DCSA).
	QuantitySeal = "seal"
	// QuantityDoor is a door that was StateOpened or StateClosed.
	QuantityDoor = "door"
	// QuantityEvent opens the readings of an event: Text is the digest of its content. One name with two
	// digests is an equivocation, unless Value, the publisher's version of it, is greater: that replaces the smaller.
	QuantityEvent = "event"
	// QuantityGoods names by Text goods (an SSCC) or equipment (a container number) that the event is about.
	QuantityGoods = "goods"
	// QuantityWithdrawal says that the event named by Text is not true, declared at At; State is why, if said.
	QuantityWithdrawal = "withdrawal"
	// QuantityCorrection names by Text the event that is true in the place of the withdrawn one, Event.
	QuantityCorrection = "correction"
)

// The states of readings.
const (
	StateArrived  = "arrived"
	StateDeparted = "departed"
	StateIntact   = "intact"
	StateAffixed  = "affixed"
	StateRemoved  = "removed"
	StateOpened   = "opened"
	StateClosed   = "closed"
)
