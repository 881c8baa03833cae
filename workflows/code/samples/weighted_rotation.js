// Leads by weight: of ten, five go to Amy, three to Ben, two to Cleo. The same record always goes to the same one.
const PEOPLE = [['amy', 5], ['ben', 3], ['cleo', 2]];

exports.main = async (event, callback) => {
  const all = PEOPLE.reduce((sum, [, weight]) => sum + weight, 0);
  let place = Number(event.object.objectId) % all;
  for (const [owner, weight] of PEOPLE) {
    if (place < weight) return callback({ outputFields: { owner } });
    place -= weight;
  }
};
