// Names as people write them: "  aNNA-maria   o'neil " becomes "Anna-Maria O'Neil".
const tidy = (text) =>
  String(text || '')
    .trim()
    .replace(/\s+/g, ' ')
    .toLowerCase()
    .replace(/(^|[\s'’-])(\p{L})/gu, (_all, before, letter) => before + letter.toUpperCase());

exports.main = async (event, callback) => {
  const { firstname, lastname } = event.inputFields;
  callback({ outputFields: { firstname: tidy(firstname), lastname: tidy(lastname) } });
};
