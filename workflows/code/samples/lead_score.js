// A score from 0 to 100 of what is known of a lead, and the grade that goes with it.
const SENIOR = /\b(chief|c[eiotf]o|vp|vice president|head|director|founder|owner)\b/i;

exports.main = async (event, callback) => {
  const { jobtitle, employees, country, visits } = event.inputFields;
  let score = 0;
  if (SENIOR.test(jobtitle || '')) score += 40;
  if (employees >= 1000) score += 25;
  else if (employees >= 100) score += 15;
  if (['Sweden', 'Norway', 'Denmark', 'Finland'].includes(country)) score += 15;
  score += Math.min(Number(visits || 0), 20);
  console.log('score of %s', event.object.objectId, score);
  callback({ outputFields: { score, grade: score >= 70 ? 'A' : score >= 40 ? 'B' : 'C' } });
};
