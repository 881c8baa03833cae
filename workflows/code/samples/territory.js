// Who looks after a region: the first rule that fits wins, the last one always does.
const RULES = [
  { countries: ['Sweden', 'Norway', 'Denmark', 'Finland', 'Iceland'], owner: 'amy', region: 'Nordics' },
  { countries: ['Germany', 'Austria', 'Switzerland'], owner: 'ben', region: 'DACH' },
  { countries: ['United States', 'Canada'], min: 500, owner: 'cleo', region: 'America, large' },
  { countries: ['United States', 'Canada'], owner: 'dan', region: 'America' },
  { owner: 'eve', region: 'Rest of the world' },
];

exports.main = async (event, callback) => {
  const { country, employees } = event.inputFields;
  const rule = RULES.find(
    (one) => (!one.countries || one.countries.includes(country)) && Number(employees || 0) >= (one.min || 0),
  );
  callback({ outputFields: { owner: rule.owner, region: rule.region } });
};
