// When a contract has to be renewed: so many months after it was won (the 31st becomes the last day of a short
// month), and the workday thirty days before, when somebody should ask.
const DAY = 24 * 60 * 60 * 1000;

exports.main = async (event, callback) => {
  const won = new Date(Number(event.inputFields['closedate']));
  const months = Number(event.inputFields['months'] || 12);
  const end = new Date(Date.UTC(won.getUTCFullYear(), won.getUTCMonth() + months + 1, 0));
  const renewal = new Date(end);
  renewal.setUTCDate(Math.min(won.getUTCDate(), end.getUTCDate()));
  const ask = new Date(renewal.getTime() - 30 * DAY);
  while ([0, 6].includes(ask.getUTCDay())) ask.setUTCDate(ask.getUTCDate() - 1);
  callback({ outputFields: { renewal: renewal.getTime(), ask: ask.getTime() } });
};
